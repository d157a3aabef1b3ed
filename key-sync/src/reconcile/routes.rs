//! The document of all routes, compared as one entry.

use countersign_decision::published::{self, Mark, ROUTES};
use countersign_decision::time::Timestamp;

use super::Run;
use super::table::Table;
use crate::job::DryRun;
use crate::metrics::Drift;
use crate::plan::{Departure, may_replace_routes};
use crate::publish::Publisher;
use crate::publish::routes::{Named, Note, Outcome, guarded};
use crate::report::JobError;

impl Run<'_> {
    /// Nothing is published while a route is invalid, which the scan has said; new ones are noted.
    pub(super) async fn compare_routes(&mut self, table: &Table) -> Result<(), JobError> {
        let note = Note::read(self.key_sync).await?;
        let shown = self.list_few(ROUTES).await?.remove(ROUTES);
        let departure = departure(table, note.as_ref(), shown, self.key_sync.now());
        let is_noted = |id: &String| note.as_ref().is_some_and(|note| note.ids.contains(id));
        match departure {
            Some(departure) => self.tally.departs(departure, ROUTES),
            None if table.routes.keys().all(is_noted) => return Ok(()),
            None => {}
        }
        // A lost note counts as one route, so that what the edge shows is not emptied for want of it.
        let (left, of) = (table.routes.len(), note.map_or(usize::from(shown.is_some()), |note| note.ids.len()));
        let guards = !self.options.allow_deletions && !may_replace_routes(left, of);
        if guards {
            self.tally.guard(guarded(left, of));
        }
        if guards || self.options.dry_run == DryRun::Yes || !self.may_repair().await? {
            return Ok(());
        }
        let ids = table.routes.keys().cloned().collect();
        let publisher = Publisher::begin(self.key_sync, self.until).await?;
        let became = publisher.publish_routes(Named::All(ids), self.options.allow_deletions).await;
        publisher.end().await;
        match became? {
            Outcome::Written => self.tally.written += 1,
            Outcome::Failed => self.tally.failed(1),
            Outcome::Guarded { left, of } => self.tally.guard(guarded(left, of)),
            Outcome::Invalid(records) if departure.is_some() => {
                records.iter().for_each(|record| self.tally.invalid(record));
            }
            Outcome::Invalid(_) | Outcome::Waiting => {}
        }
        Ok(())
    }
}

fn departure(table: &Table, note: Option<&Note>, shown: Option<Mark>, now: Timestamp) -> Option<Departure> {
    let records: Vec<_> =
        table.routes.iter().filter_map(|(id, record)| Some((id.as_str(), record.as_ref().ok()?))).collect();
    if records.len() < table.routes.len() {
        return None;
    }
    let digest = published::routes_digest(&records).ok();
    let published = note.filter(|note| digest.is_some_and(|digest| note.is_of(digest)));
    let wanted =
        published.and_then(|note| published::routes(note.version, &records).ok()).map(|document| document.mark);
    let class = match (wanted, shown) {
        (_, None) => Drift::Missing,
        (Some(wanted), Some(shown)) if wanted == shown => return None,
        (Some(wanted), Some(shown)) if shown.version >= wanted.version => Drift::Different,
        _ => Drift::Stale,
    };
    // A document that was not made yet is as young as the change that asks for it.
    let youngest = || records.iter().map(|(_, record)| record.version()).max().unwrap_or_default();
    Some(Departure::new(class, wanted.map_or_else(youngest, |wanted| wanted.version), now))
}
