//! The little of YAML that the other modules need: a template's sections, their entries, and the
//! scalars in those.
//!
//! Goes by indentation, two spaces a level, as the templates are written; whether they are valid at
//! all is for cfn-lint.

use super::text;

pub struct Template {
    pub file: String,
    text: String,
}

/// One entry of a section, such as a resource: its name, and the lines below it.
#[derive(Clone, Copy)]
pub struct Entry<'t> {
    pub name: &'t str,
    pub body: &'t str,
}

impl Template {
    pub fn read(file: &str) -> Self {
        Self { file: file.to_owned(), text: text(file) }
    }

    pub fn resources(&self) -> Vec<Entry<'_>> {
        self.section("Resources")
    }

    pub fn resource(&self, name: &str) -> Option<Entry<'_>> {
        self.resources().into_iter().find(|resource| resource.name == name)
    }

    /// The resources of one of these types.
    pub fn of_type<'t>(&'t self, types: &'t [&str]) -> impl Iterator<Item = Entry<'t>> {
        let is_one = |resource: &Entry<'_>| resource.scalar("Type").is_some_and(|own| types.contains(&own));
        self.resources().into_iter().filter(is_one)
    }

    pub fn section(&self, name: &str) -> Vec<Entry<'_>> {
        let top = Entry { name: "", body: &self.text };
        top.below(0).into_iter().find(|section| section.name == name).map_or(Vec::new(), |section| section.below(2))
    }
}

impl<'t> Entry<'t> {
    /// The entries that stand at this indentation.
    pub fn below(self, indentation: usize) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::new();
        let mut rest = self.body;
        while !rest.is_empty() {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            if let Some(name) = key_at(line, indentation) {
                entries.push(Self { name, body: after });
            }
            rest = after;
        }
        // Each body so far runs to the end; cut it where the indentation ends.
        entries.iter().map(|entry| Self { body: indented(entry.body, indentation), ..*entry }).collect()
    }

    /// What stands behind the first `key:`, up to the end of the line or of its place in `{…}`.
    pub fn scalar(self, key: &str) -> Option<&'t str> {
        let places = self.body.match_indices(key).filter_map(|(at, _)| {
            let begins = self.body[..at].chars().next_back().is_none_or(|c| c == ' ' || c == '{');
            self.body[at + key.len()..].strip_prefix(':').filter(|_| begins)
        });
        let value = places.into_iter().next()?.split(['\n', ',', '}']).next()?;
        Some(value.trim().trim_matches('\''))
    }

    pub fn says(self, text: &str) -> bool {
        self.body.contains(text)
    }
}

/// The name of an entry that begins in this line, at this indentation.
fn key_at(line: &str, indentation: usize) -> Option<&str> {
    let rest = line.strip_prefix(&" ".repeat(indentation))?;
    let (name, _) = rest.split_once(':')?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain.then_some(name)
}

/// The lines at the start that are empty or further in.
fn indented(text: &str, indentation: usize) -> &str {
    let deeper = |line: &str| line.trim().is_empty() || line.len() - line.trim_start().len() > indentation;
    let end = text.split_inclusive('\n').take_while(|line| deeper(line)).map(str::len).sum();
    &text[..end]
}

#[test]
fn entries_end_where_the_indentation_does() {
    let text = "\
Resources:
  # A comment.
  One:
    Type: AWS::X
    Properties: { Ttl: 0, Name: 'a' }

  Two:
    Type: AWS::Y
    Properties:
      OtherTtl: 5
      Code: |
        Ttl: 9
Outputs:
  One:
    Value: 1
";
    let template = Template { file: String::new(), text: text.to_owned() };
    let names: Vec<_> = template.resources().iter().map(|resource| resource.name).collect();
    assert_eq!(names, ["One", "Two"]);
    let (one, two) = (template.resource("One").unwrap(), template.resource("Two").unwrap());
    assert_eq!((one.scalar("Type"), one.scalar("Ttl"), one.scalar("Name")), (Some("AWS::X"), Some("0"), Some("a")));
    assert_eq!((two.scalar("OtherTtl"), two.scalar("Name")), (Some("5"), None));
    assert_eq!(template.of_type(&["AWS::Y"]).count(), 1);
    assert_eq!(template.section("Outputs").len(), 1);
}
