//! Finding terms and methods by name.

use crate::error::DistilError;
use crate::method::MethodSpec;
use crate::methods::METHODS;
use crate::term::TermSpec;
use crate::terms::TERMS;

/// The term called `name`.
///
/// # Errors
/// If there is none; the message names the nearest one.
pub fn find_term(name: &str) -> Result<&'static dyn TermSpec, DistilError> {
    let found = TERMS.iter().copied().find(|term| term.id() == name);
    found.ok_or_else(|| unknown("term", name, TERMS.iter().map(|term| term.id()).collect()))
}

/// The term called `name`, if it may stand as a head.
///
/// # Errors
/// If there is none; the message names the nearest one.
pub fn find_head(name: &str) -> Result<&'static dyn TermSpec, DistilError> {
    let heads = || TERMS.iter().copied().filter(|term| term.is_head());
    let found = heads().find(|term| term.id() == name);
    found.ok_or_else(|| unknown("head", name, heads().map(|term| term.id()).collect()))
}

/// The method called `name`.
///
/// # Errors
/// If there is none; the message names the nearest one.
pub fn find_method(name: &str) -> Result<&'static dyn MethodSpec, DistilError> {
    let found = METHODS.iter().copied().find(|method| method.id() == name);
    found.ok_or_else(|| unknown("method", name, METHODS.iter().map(|m| m.id()).collect()))
}

fn unknown(kind: &'static str, name: &str, known: Vec<&'static str>) -> DistilError {
    let nearest = nearest(name, known.iter().copied()).map(str::to_owned);
    DistilError::Unknown { kind, name: name.to_owned(), nearest, known }
}

/// The one of `known` most like `name`, where one is like it at all.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for (index, term) in TERMS.iter().enumerate() {
            assert!(TERMS[..index].iter().all(|other| other.id() != term.id()), "{}", term.id());
            assert_eq!(find_term(term.id()).unwrap().id(), term.id());
        }
        for (index, method) in METHODS.iter().enumerate() {
            assert!(METHODS[..index].iter().all(|other| other.id() != method.id()));
            assert_eq!(find_method(method.id()).unwrap().id(), method.id());
        }
    }

    #[test]
    fn misspelt_names_get_a_suggestion() {
        let message = find_method("featrue").err().unwrap().to_string();
        assert!(message.contains("did you mean \"feature\"?"), "{message}");
        let message = find_head("arcfaec").err().unwrap().to_string();
        assert!(message.contains("did you mean \"arcface\"?"), "{message}");
        assert!(find_head("kd").is_err(), "kd scores no classes");
        assert!(find_term("").is_err());
    }

    #[test]
    fn defaults_are_accepted_and_described() {
        for term in TERMS {
            assert!(!term.about().is_empty() && !term.source().is_empty(), "{}", term.id());
        }
        for method in METHODS {
            assert!(!method.about().is_empty() && !method.source().is_empty());
            let full = method.effective(&toml::Table::new()).unwrap();
            assert_eq!(full, method.effective(&full).unwrap(), "{}", method.id());
            let streams = method.streams(&full).unwrap();
            assert_eq!(streams[crate::student_place(&streams)].name, "student");
        }
    }
}
