//! Methods within one network: it learns from labels and from parts of itself, by one term.
//!
//! The method's settings are the term's own. What the term is, its file in [`crate::terms`] says.

use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::registry::find_term;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// A method of one stream and one term.
pub struct Alone {
    id: &'static str,
    about: &'static str,
    source: &'static str,
    term: &'static str,
    /// Settings that differ from the term's defaults, as TOML.
    settings: &'static str,
}

/// Self-distillation through guided modules.
pub const SELF_KD: Alone = Alone {
    id: "self-kd",
    about: "classifiers on every stage learn from labels and from the deepest",
    source: "arXiv 1905.08094; luanyunteng/pytorch-be-your-own-teacher",
    term: "self_kd",
    settings: "preset = 'selfkd'",
};

/// Collaborative learning.
pub const CL_ILR: Alone = Alone {
    id: "cl-ilr",
    about: "branches on a shared trunk learn from labels and from the mean of the others",
    source: "arXiv 1805.11761; DefangChen/OKDDip-AAAI2020",
    term: "cl_ilr",
    settings: "",
};

/// On-the-fly native ensemble.
pub const ONE: Alone = Alone {
    id: "one",
    about: "branches on a shared trunk learn from labels and from their gated sum",
    source: "arXiv 1806.04606; Lan1991Xu/ONE_NeurIPS2018",
    term: "one",
    settings: "",
};

/// Online distillation with diverse peers.
pub const OKDDIP: Alone = Alone {
    id: "okddip",
    about: "peers on a shared trunk learn by attention, a leader from their mean",
    source: "arXiv 1912.00350; DefangChen/OKDDip-AAAI2020",
    term: "okddip",
    settings: "",
};

impl Alone {
    /// The settings as given over the method's own.
    fn over(&self, given: &Table) -> Weighted {
        let mut settings: Table = self.settings.parse().expect("settings in the registry are TOML");
        settings.extend(given.clone());
        Weighted { settings, ..Weighted::new(self.term, 1.0) }
    }

    fn read(&self, given: &Table) -> Result<Table, DistilError> {
        find_term(self.term)?.effective(&self.over(given).settings)
    }
}

impl MethodSpec for Alone {
    fn id(&self) -> &'static str {
        self.id
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn source(&self) -> &'static str {
        self.source
    }

    fn kind(&self) -> Kind {
        Kind::Online
    }

    fn needs(&self) -> Needs {
        find_term(self.term).map(|term| term.needs()).unwrap_or_default()
    }

    fn defaults(&self) -> Table {
        self.read(&Table::new()).expect("settings in the registry are possible")
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        self.read(given)
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        self.read(given)?;
        Ok(vec![Stream::student()])
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let [student] = crate::method::contexts(self.id, contexts)?;
        let ties = self.over(given).tie(0, None, student)?.into_iter().collect();
        Ok(Method { streams: vec![Stream::student()], ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_those_of_the_term() {
        let full = SELF_KD.effective(&"temperature = 2.0".parse().unwrap()).unwrap();
        assert_eq!(full["temperature"].as_float(), Some(2.0));
        assert_eq!(full["hard"].as_float(), Some(0.9));
        let message = ONE.effective(&"branchs = 3".parse().unwrap()).unwrap_err().to_string();
        assert!(message.contains("did you mean \"branches\""), "{message}");
        assert!(ONE.effective(&"branches = 1".parse().unwrap()).is_err());
    }
}
