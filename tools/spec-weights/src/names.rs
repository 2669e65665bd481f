//! Names of tensors that the user gives in files: the first word of each line.

use crate::error::WeightsError;
use spec_runtime::manifest::{ArgumentKind, Function};
use std::collections::HashSet;
use std::path::Path;

/// A list of names, for one function or for all that it fits.
struct List {
    file: String,
    function: Option<String>,
    names: Vec<String>,
}

/// All lists.
pub struct Names(Vec<List>);

/// Arguments that hold scales; an exported model did not have them.
pub fn scales(function: &Function) -> HashSet<usize> {
    let quantised = function
        .arguments
        .iter()
        .filter_map(|a| a.quantised_from.as_ref());
    quantised.map(|q| q.scale_argument).collect()
}

impl Names {
    /// Reads `[FUNCTION=]FILE` flags.
    ///
    /// # Errors
    /// A file cannot be read, or fits no function.
    pub fn read(flags: &[String], functions: &[Function]) -> Result<Self, WeightsError> {
        let mut lists = vec![];
        for flag in flags {
            let (function, file) = match flag.split_once('=') {
                Some((function, file)) => (Some(function.to_owned()), file),
                None => (None, flag.as_str()),
            };
            let path = Path::new(file);
            let text = std::fs::read_to_string(path).map_err(WeightsError::reading(path))?;
            let words = text.lines().filter_map(|l| l.split_whitespace().next());
            let list = List {
                file: file.to_owned(),
                function,
                names: words.map(str::to_owned).collect(),
            };
            list.check(functions)?;
            lists.push(list);
        }
        Ok(Self(lists))
    }

    /// The name of the tensor for argument `i`, if a list has one. A list for the function itself comes first.
    pub fn get(&self, function: &Function, i: usize) -> Option<&str> {
        let own = self.0.iter().filter(|l| l.function.is_some());
        let all = own.chain(self.0.iter().filter(|l| l.function.is_none()));
        all.filter(|l| l.is_for(function))
            .find_map(|l| Some(l.names.get(l.place(function, i)?)?.as_str()))
    }
}

impl List {
    fn is_for(&self, function: &Function) -> bool {
        self.function
            .as_ref()
            .is_none_or(|name| *name == function.name)
    }

    /// Which line is argument `i`; nothing if the list does not fit.
    fn place(&self, function: &Function, i: usize) -> Option<usize> {
        let scales = scales(function);
        let exported = || (0..function.arguments.len()).filter(|i| !scales.contains(i));
        let is_weight = |i: &usize| function.arguments[*i].kind == ArgumentKind::Weight;
        if exported().count() == self.names.len() {
            return exported().position(|e| e == i);
        }
        if exported().filter(is_weight).count() == self.names.len() {
            return exported().filter(is_weight).position(|e| e == i);
        }
        None
    }

    fn check(&self, functions: &[Function]) -> Result<(), WeightsError> {
        let wrong = |problem: String| WeightsError::Names {
            file: self.file.clone(),
            problem,
        };
        let mut counts = vec![];
        for function in functions.iter().filter(|f| self.is_for(f)) {
            let scales = scales(function);
            let exported = || {
                let all = function.arguments.iter().enumerate();
                all.filter(|(i, _)| !scales.contains(i)).map(|(_, a)| a)
            };
            let weights = exported()
                .filter(|a| a.kind == ArgumentKind::Weight)
                .count();
            let all = exported().count();
            if [all, weights].contains(&self.names.len()) {
                return Ok(());
            }
            counts.push(format!(
                "{} has {all} arguments, {weights} of them weights",
                function.name
            ));
        }
        let n = self.names.len();
        match &self.function {
            Some(name) if counts.is_empty() => {
                let known: Vec<&str> = functions.iter().map(|f| f.name.as_str()).collect();
                Err(wrong(format!(
                    "no function {name:?}; the bundle has {}",
                    known.join(", ")
                )))
            }
            _ => Err(wrong(format!(
                "{n} names fit no function ({}): one line for each argument, or for each weight",
                counts.join("; ")
            ))),
        }
    }
}
