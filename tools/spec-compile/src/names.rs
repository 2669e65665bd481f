//! Names of arguments that the user gives in files: the first word of each line names one argument.

use crate::error::CompileError;
use std::path::Path;

/// Lists of names, each for one function or for all with as many arguments.
#[derive(Debug, Default)]
pub struct Names(Vec<(Option<String>, Vec<String>)>);

impl Names {
    /// Reads `[FUNCTION=]FILE` flags.
    ///
    /// # Errors
    /// A file cannot be read, holds no name, or one twice.
    pub fn read(flags: &[String]) -> Result<Self, CompileError> {
        let mut all = vec![];
        for flag in flags {
            let (function, file) = match flag.split_once('=') {
                Some((function, file)) => (Some(function.to_owned()), file),
                None => (None, flag.as_str()),
            };
            let path = Path::new(file);
            let text = std::fs::read_to_string(path).map_err(CompileError::reading(path))?;
            let words = text.lines().filter_map(|l| l.split_whitespace().next());
            let names: Vec<String> = words.map(str::to_owned).collect();
            let twice = names
                .iter()
                .enumerate()
                .find(|(i, n)| names[..*i].contains(n));
            if let Some((i, name)) = twice {
                let line = i + 1;
                let text = format!("{file}: name {line}, '{name}', is there already");
                return Err(CompileError::Refused(text));
            }
            if names.is_empty() {
                let text = format!("{file}: no names; each line must start with one");
                return Err(CompileError::Refused(text));
            }
            all.push((function, names));
        }
        Ok(Names(all))
    }

    /// The name of argument `i` of `function`, which has `count`.
    pub fn get(&self, function: &str, i: usize, count: usize) -> Option<&str> {
        let fits = |(f, names): &&(Option<String>, Vec<String>)| {
            names.len() == count && f.as_deref().is_none_or(|f| f == function)
        };
        let own = self.0.iter().filter(|(f, _)| f.is_some()).find(fits);
        let (_, names) = own.or_else(|| self.0.iter().find(fits))?;
        names.get(i).map(String::as_str)
    }

    /// Lists that fit none of `functions` (name, number of arguments), as text.
    pub fn unused(&self, functions: &[(String, usize)]) -> Vec<String> {
        let fits = |f: &Option<String>, names: &[String]| {
            let same = |(n, count): &(String, usize)| {
                *count == names.len() && f.as_ref().is_none_or(|f| f == n)
            };
            functions.iter().any(same)
        };
        let lists = self.0.iter().filter(|(f, names)| !fits(f, names));
        lists
            .map(|(f, names)| match f {
                Some(f) => format!("no function '{f}' with {} arguments", names.len()),
                None => format!("no function with {} arguments", names.len()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_chosen_by_function_and_count() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.to_str().expect("UTF-8").to_owned()
        };
        let two = file("two", "a i64 [1]\nb f32\n");
        let other = file("other", "x\n\ny z\n");
        let names = Names::read(&[two, format!("f={other}")]).expect("names");
        assert_eq!(names.get("f", 1, 2), Some("y"));
        assert_eq!(names.get("g", 1, 2), Some("b"));
        assert_eq!(names.get("f", 0, 3), None);
        let functions = [("g".to_owned(), 2)];
        assert_eq!(
            names.unused(&functions),
            ["no function 'f' with 2 arguments"]
        );
        let twice = Names::read(&[file("twice", "a\nb\na\n")]).expect_err("twice");
        assert!(twice.to_string().ends_with("name 3, 'a', is there already"));
        assert!(Names::read(&[file("empty", "\n")]).is_err());
        assert!(Names::read(&["/no/such".into()]).is_err());
    }
}
