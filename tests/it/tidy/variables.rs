//! Environment variables: those that the authorizer reads, that the template sets and that the
//! README explains are the same.

use std::cell::RefCell;
use std::collections::BTreeSet;

use countersign_authorizer::config::Config;

use super::yaml::{Entry, Template};
use super::{assert_none, files_in, text};

/// The names that the authorizer asks for.
fn read() -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let _ = Config::read(|name| {
        names.borrow_mut().insert(name.to_owned());
        None
    });
    names.into_inner()
}

/// The variables that the template sets, and what to: `(name, value)`.
fn set(template: &Template) -> Vec<(&str, &str)> {
    let function = template.resource("Authorizer").expect("template.yaml: no Authorizer");
    let variables = function.below(8).into_iter().find(|entry| entry.name == "Variables");
    let names = variables.expect("template.yaml: the Authorizer has no Variables").below(10);
    names.into_iter().map(|entry| (entry.name, function.scalar(entry.name).unwrap_or_default())).collect()
}

#[test]
fn the_template_sets_what_the_authorizer_reads() {
    let template = Template::read("template.yaml");
    let set: BTreeSet<_> = set(&template).into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(set, read(), "left: template.yaml, right: what the authorizer reads");
}

/// The table is the one that has a row for `REQUIRE`. AWS's own variables may stand in it too.
#[test]
fn the_readme_explains_what_the_authorizer_reads() {
    let readme = text("README.md");
    let tables = readme.split("\n\n").map(|block| {
        let rows = block.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        rows.map(|(name, _)| name.split('=').next().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>()
    });
    let table = tables.into_iter().find(|names| names.contains("REQUIRE"));
    let mut explained = table.expect("README.md: no table with a row that begins with | `REQUIRE`");
    explained.retain(|name| !name.starts_with("AWS_") && name != "SSL_CERT_FILE");
    assert_eq!(explained, read(), "left: README.md, right: what the authorizer reads");
}

#[test]
fn the_authorizer_understands_every_value_that_the_template_offers() {
    let template = Template::read("template.yaml");
    let parameters = template.section("Parameters");
    let mut offered = 0;
    let mut wrong = Vec::new();
    for (name, value) in set(&template) {
        let parameter = value.strip_prefix("!Ref ").and_then(|of| parameters.iter().find(|own| own.name == of));
        for value in parameter.map(|parameter| allowed_values(*parameter)).unwrap_or_default() {
            offered += 1;
            let problems = Config::read(|asked| (asked == name).then(|| value.to_owned())).err().unwrap_or_default();
            let about_it = format!("{name} is {value:?}");
            wrong.extend(problems.lines().filter(|line| line.starts_with(&about_it)).map(str::to_owned));
        }
    }
    assert!(offered > 10, "the AllowedValues of template.yaml are not found");
    assert_none("template.yaml offers", &wrong);
}

fn allowed_values(parameter: Entry<'_>) -> Vec<&str> {
    let list = parameter.body.split_once("AllowedValues: [").and_then(|(_, list)| list.split_once(']'));
    list.map_or(Vec::new(), |(list, _)| list.split(',').map(|value| value.trim().trim_matches('\'')).collect())
}

/// Nothing but `main` reads the environment, so what the configuration asks for is all there is.
#[test]
fn one_file_reads_the_environment() {
    let sources = ["authorizer/src/", "crates/"].into_iter().flat_map(|place| files_in(place, ".rs"));
    let readers: Vec<_> = sources.filter(|file| text(file).contains("env::var")).collect();
    assert_eq!(readers, ["authorizer/src/main.rs"]);
}
