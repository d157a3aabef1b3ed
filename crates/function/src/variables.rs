//! Reading environment variables so that everything that is wrong with them is told at once: each
//! problem in a line that names the variable and says what it should be.

/// The environment of one function, and what was wrong with it so far. A wrong value is read as some
/// value of its type; [`Variables::finish`] keeps it from being used.
pub struct Variables<'v> {
    value: &'v dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl<'v> Variables<'v> {
    /// `value` reads one variable.
    pub fn new(value: &'v dyn Fn(&str) -> Option<String>) -> Self {
        Self { value, problems: Vec::new() }
    }

    /// `config` if nothing was wrong. `Err`: every problem, one a line.
    pub fn finish<C>(self, config: C) -> Result<C, String> {
        if self.problems.is_empty() { Ok(config) } else { Err(self.problems.join("\n")) }
    }

    pub fn problem(&mut self, name: &str, says: &str) {
        self.problems.push(format!("{name} {says}"));
    }

    /// An empty variable is an absent one: a template cannot leave one out.
    pub fn text(&self, name: &str) -> Option<String> {
        (self.value)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// `what` ends the sentence "set it to …".
    pub fn required(&mut self, name: &str, what: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.problem(name, &format!("is missing; set it to {what}"));
            String::new()
        })
    }

    /// `choices` ends the sentence "it must be …".
    pub fn choice<T>(&mut self, name: &str, default: T, parse: impl Fn(&str) -> Option<T>, choices: &str) -> T {
        let Some(text) = self.text(name) else { return default };
        parse(&text).unwrap_or_else(|| {
            self.problem(name, &format!("is {text:?}; it must be {choices}"));
            default
        })
    }

    /// Items separated by commas.
    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

/// For [`Variables::choice`] of what is on or off.
pub fn on_or_off(text: &str) -> Option<bool> {
    match text {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str) -> Option<String> {
        let value = match name {
            "EMPTY" => " ",
            "TEXT" => " a b ",
            "LIST" => "a, b,,c ,",
            "SWITCH" => "yes",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn what_is_empty_is_absent() {
        let variables = Variables::new(&environment);
        assert_eq!((variables.text("EMPTY"), variables.text("ABSENT")), (None, None));
        assert_eq!(variables.text("TEXT").as_deref(), Some("a b"));
        assert_eq!(variables.list("LIST"), ["a", "b", "c"]);
        assert!(variables.list("EMPTY").is_empty());
    }

    #[test]
    fn every_problem_is_told_and_nothing_is_used() {
        let mut variables = Variables::new(&environment);
        assert_eq!(variables.required("TEXT", "a text"), "a b");
        assert!(variables.choice("ABSENT", true, on_or_off, "on or off"));
        assert_eq!(variables.required("EMPTY", "the name of something"), "");
        assert!(!variables.choice("SWITCH", false, on_or_off, "on or off"));
        let problems = variables.finish("config").unwrap_err();
        assert_eq!(
            problems,
            "EMPTY is missing; set it to the name of something\nSWITCH is \"yes\"; it must be on or off"
        );
        assert_eq!(Variables::new(&environment).finish("config"), Ok("config"));
    }
}
