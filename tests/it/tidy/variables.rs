//! Environment variables: those that a function reads, that the template sets and that the README
//! explains are the same.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::yaml::{Entry, Template};
use super::{assert_none, files_in, text};

/// An environment: the value of a variable, if it has one.
type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// A function of the template, and what its start says of its environment.
struct Function {
    resource: &'static str,
    problems: fn(Environment<'_>) -> String,
    /// A variable that only its table of the README explains.
    telling: &'static str,
}

const FUNCTIONS: [Function; 3] = [
    Function {
        resource: "Authorizer",
        problems: |variable| countersign_authorizer::config::Config::read(variable).err().unwrap_or_default(),
        telling: "REQUIRE",
    },
    Function {
        resource: "Forwarder",
        problems: |variable| countersign_forwarder::config::Config::read(variable).err().unwrap_or_default(),
        telling: "BACKENDS",
    },
    Function {
        resource: "KeySync",
        problems: |variable| countersign_key_sync::config::Config::read(variable).err().unwrap_or_default(),
        telling: "CLOUDFLARE_ACCOUNT",
    },
];

impl Function {
    /// The names that it asks for.
    fn read(&self) -> BTreeSet<String> {
        let names = RefCell::new(BTreeSet::new());
        (self.problems)(&|name| {
            names.borrow_mut().insert(name.to_owned());
            None
        });
        names.into_inner()
    }

    /// The variables that the template sets, and what to: `(name, value)`.
    fn set<'t>(&self, template: &'t Template) -> Vec<(&'t str, &'t str)> {
        let function = template.resource(self.resource).expect("a function of template.yaml");
        let variables = function.below(8).into_iter().find(|entry| entry.name == "Variables");
        let names = variables.expect("the function has Variables").below(10);
        names.into_iter().map(|entry| (entry.name, function.scalar(entry.name).unwrap_or_default())).collect()
    }
}

#[test]
fn the_template_sets_what_each_function_reads() {
    let template = Template::read("template.yaml");
    for function in FUNCTIONS {
        let set: BTreeSet<_> = function.set(&template).into_iter().map(|(name, _)| name.to_owned()).collect();
        let who = function.resource;
        assert_eq!(set, function.read(), "{who}: left: what template.yaml sets, right: what the function reads");
    }
}

/// AWS's own variables may stand in a table too.
#[test]
fn the_readme_explains_what_each_function_reads() {
    let readme = text("README.md");
    let tables: Vec<_> = readme
        .split("\n\n")
        .map(|block| {
            let rows = block.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
            rows.map(|(name, _)| name.split('=').next().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>()
        })
        .collect();
    for function in FUNCTIONS {
        let (who, telling) = (function.resource, function.telling);
        let table = tables.iter().find(|names| names.contains(telling)).cloned();
        let mut explained =
            table.unwrap_or_else(|| panic!("README.md: no table with a row that begins with | `{telling}`"));
        explained.retain(|name| !name.starts_with("AWS_") && name != "SSL_CERT_FILE");
        assert_eq!(explained, function.read(), "{who}: left: README.md, right: what the function reads");
    }
}

#[test]
fn each_function_understands_every_value_that_the_template_offers() {
    let template = Template::read("template.yaml");
    let parameters = template.section("Parameters");
    let mut offered = 0;
    let mut wrong = Vec::new();
    for function in FUNCTIONS {
        for (name, value) in function.set(&template) {
            let parameter = value.strip_prefix("!Ref ").and_then(|of| parameters.iter().find(|own| own.name == of));
            for value in parameter.map(|parameter| allowed_values(*parameter)).unwrap_or_default() {
                offered += 1;
                let problems = (function.problems)(&|asked| (asked == name).then(|| value.to_owned()));
                let about_it = format!("{name} is {value:?}");
                wrong.extend(problems.lines().filter(|line| line.starts_with(&about_it)).map(str::to_owned));
            }
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
fn one_file_of_each_function_reads_the_environment() {
    let places = ["authorizer/src/", "crates/", "forwarder/src/", "key-sync/src/"];
    let sources = places.into_iter().flat_map(|place| files_in(place, ".rs"));
    let readers: Vec<_> = sources.filter(|file| text(file).contains("env::var")).collect();
    assert_eq!(readers, ["authorizer/src/main.rs", "forwarder/src/main.rs", "key-sync/src/main.rs"]);
}
