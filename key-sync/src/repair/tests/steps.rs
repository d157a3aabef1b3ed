//! The runs of the world, write by write in the order of the real ones: repairs, and the four steps.

use super::LIFETIMES;
use super::world::{Ended, Run, World};
use crate::edge_keys::layout::Labels;
use crate::edge_keys::note::EdgeNote;
use crate::emergency::EmergencyNote;
use crate::job::Step;
use crate::probe::Asked;
use crate::repair::edge::{Answer, EdgeState};
use crate::repair::plan::{Observed, Repair};
use crate::rotate::guards::{self, Standing};
use crate::rotate::note::RotationNote;

impl World {
    pub fn carry_out(&mut self, repair: Repair, seen: &mut Observed) -> Run {
        match repair {
            Repair::See(note) => self.note_edge(seen, note),
            Repair::Publish(version) => {
                self.write(|world| _ = world.published.insert(version.clone()))?;
                seen.unpublished.remove(&version);
                self.ask_edge(seen)
            }
            Repair::Wait { until } => {
                self.pass(until.since(self.now()));
                Ok(())
            }
            Repair::Push(layout) => {
                self.push(&layout)?;
                let proved = seen.note.proved.take().filter(|proved| proved.keyid == layout.active);
                let note = EdgeNote { layout: Some(layout.clone()), in_vain: None, proved, ..seen.note.clone() };
                self.note_edge(seen, note)?;
                seen.pushed = Some(layout.clone());
                self.ask_edge(seen)?;
                match seen.edge.differs_from(&layout) {
                    Some(_) => self.note_edge(seen, EdgeNote { in_vain: self.deployment(), ..seen.note.clone() }),
                    None => Ok(()),
                }
            }
            Repair::NoteProof(proof) => self.note_edge(seen, EdgeNote { proved: Some(proof), ..seen.note.clone() }),
            Repair::MoveCurrent { to, from } => {
                assert_eq!(self.labels.current, from, "a compare-and-swap");
                let pending = self.labels.pending.clone();
                self.relabel(seen, Labels { current: Some(to), pending, previous: from })
            }
            Repair::DropPending(version) => {
                assert_eq!(self.labels.pending, Some(version));
                self.relabel(seen, Labels { pending: None, ..self.labels.clone() })
            }
            Repair::DropPrevious(version) => {
                assert_eq!(self.labels.previous, Some(version));
                self.relabel(seen, Labels { previous: None, ..self.labels.clone() })
            }
            Repair::EndEmergency { .. } => {
                self.write(|world| world.emergency = None)?;
                seen.emergency = None;
                Ok(())
            }
            Repair::Forget(versions) => {
                let mut note = seen.note.clone();
                for version in &versions {
                    self.write(|world| _ = world.published.remove(version))?;
                    note.seen.remove(version);
                }
                self.note_edge(seen, note)
            }
            Repair::CloseRotation(_) => {
                self.write(|world| world.rotation = None)?;
                seen.rotation = None;
                Ok(())
            }
        }
    }

    fn relabel(&mut self, seen: &mut Observed, labels: Labels) -> Run {
        for key in self.labels.versions() {
            self.assert_may_lose_label(key, &labels);
        }
        self.write(|world| world.labels = labels.clone())?;
        seen.labels = labels;
        Ok(())
    }

    fn note_edge(&mut self, seen: &mut Observed, note: EdgeNote) -> Run {
        self.write(|world| world.note = note.clone())?;
        seen.note = note;
        Ok(())
    }

    fn note_rotation(&mut self, seen: &mut Observed, note: RotationNote) -> Run {
        self.write(|world| world.rotation = Some(note.clone()))?;
        seen.rotation = Some(note);
        Ok(())
    }

    pub fn step(&mut self, step: Step, token: &str) -> Run {
        let mut seen = self.look();
        match (guards::standing(true, &seen.labels, token).map_err(failed)?, step) {
            (Standing::Current, Step::Create | Step::Set | Step::Test) => Ok(()),
            (Standing::Pending, Step::Create) => self.create(&mut seen, token),
            (Standing::Pending, Step::Set) => self.set(&mut seen, token),
            (Standing::Pending, Step::Test) => self.test(&mut seen, token),
            (standing, Step::Finish) => self.finish(&mut seen, standing, token),
        }
    }

    fn create(&mut self, seen: &mut Observed, token: &str) -> Run {
        self.settle(seen)?;
        if seen.labels.current.as_deref() == Some(token) {
            return Ok(());
        }
        guards::standing(true, &seen.labels, token).map_err(failed)?;
        guards::previous_is_gone(seen, token, None).map_err(failed)?;
        if self.split || self.cloudflare_down {
            return Err(Ended::Failed("the edge runs two versions".to_owned()));
        }
        if !self.values.contains(token) {
            self.write(|world| _ = world.values.insert(token.to_owned()))?;
        }
        seen.usable.insert(token.to_owned());
        if self.asymmetric && !self.published.contains(token) {
            self.write(|world| _ = world.published.insert(token.to_owned()))?;
        }
        seen.unpublished.remove(token);
        if let Some(note) = seen.now_readable(self.now()) {
            self.note_edge(seen, note)?;
        }
        self.progress(seen, token, Step::Create)
    }

    fn set(&mut self, seen: &mut Observed, token: &str) -> Run {
        self.settle(seen)?;
        if seen.labels.current.as_deref() == Some(token) {
            return Ok(());
        }
        let pushed = seen.note.layout.as_ref().is_some_and(|layout| layout.standby.as_deref() == Some(token));
        if !pushed {
            return Err(Ended::Failed("no key to push".to_owned()));
        }
        self.progress(seen, token, Step::Set)
    }

    fn progress(&mut self, seen: &mut Observed, token: &str, step: Step) -> Run {
        let note = seen.rotation.clone().filter(|note| note.keyid == token);
        let note = note.unwrap_or_else(|| RotationNote::new(token, step.name(), self.now()));
        self.note_rotation(seen, note.at(step.name(), self.now()))
    }

    fn test(&mut self, seen: &mut Observed, token: &str) -> Run {
        let Some(note) = seen.rotation.clone().filter(|note| note.keyid == token) else {
            let current = seen.labels.current.clone().unwrap();
            return self.prove(seen, Asked::Active, &current);
        };
        let asked = if note.promoted { Asked::Active } else { Asked::Standby };
        let ripe = seen.note.readable_at(token).unwrap_or_else(|| self.now()).plus(LIFETIMES.activation_delay);
        self.pass(ripe.since(self.now()));
        self.prove(seen, asked, token)?;
        let tested_at = Some(self.now().as_millis());
        let note = RotationNote { tested_at, ..note.at(Step::Test.name(), self.now()) };
        self.note_rotation(seen, note)
    }

    fn prove(&self, seen: &mut Observed, asked: Asked, wanted: &str) -> Run {
        self.ask_edge(seen)?;
        let EdgeState::Answered { active, standby, .. } = &seen.edge else {
            return Err(Ended::Failed("the edge is down".to_owned()));
        };
        let answer = if asked == Asked::Active { Some(active) } else { standby.as_ref() };
        let proves = matches!(answer, Some(Answer::Proved { keyid, gateway_status: 204 }) if keyid == wanted);
        if proves { Ok(()) } else { Err(Ended::Failed(format!("{answer:?} instead of {wanted}"))) }
    }

    fn finish(&mut self, seen: &mut Observed, standing: Standing, token: &str) -> Run {
        if standing == Standing::Pending {
            let note = guards::tested(seen.rotation.as_ref(), token).map_err(failed)?;
            guards::previous_is_gone(seen, token, None).map_err(failed)?;
            let note = note.at(Step::Finish.name(), self.now());
            self.note_rotation(seen, RotationNote { promoted: true, ..note })?;
        }
        self.settle(seen)?;
        let moved = seen.labels.current.as_deref() == Some(token);
        if moved { Ok(()) } else { Err(Ended::Failed("AWSCURRENT has not moved".to_owned())) }
    }

    pub fn prepare_emergency(&mut self, token: &str) -> Run {
        let mut seen = self.look();
        self.settle(&mut seen)?;
        if let (Some(pending), Some(current)) = (seen.labels.rotating(), seen.labels.current.as_deref()) {
            if !seen.edge.signs_with(current) {
                return Err(Ended::Failed("not proved".to_owned()));
            }
            let pending = pending.to_owned();
            self.carry_out(Repair::DropPending(pending), &mut seen)?;
        }
        let emergency = EmergencyNote { token: token.to_owned(), requested_at: self.now().as_millis() };
        self.write(|world| world.emergency = Some(emergency))
    }
}

fn failed(error: crate::report::JobError) -> Ended {
    Ended::Failed(error.to_string())
}
