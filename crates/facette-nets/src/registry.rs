//! The architectures there are.

use facette_graph::Graph;

use crate::error::NetsError;
use crate::nets::{facette, plain};
use crate::settings::unknown;
use crate::spec::{NetOptions, NetSpec};

/// Every architecture, in the order in which lists show them.
pub const NETS: &[&dyn NetSpec] =
    &[&facette::Facette, &plain::BRIDGE, &plain::SELECTIVE, &plain::FEW_SHOT];

/// The architecture called `name`, by id or alias.
///
/// # Errors
/// If there is none; the message names the nearest.
pub fn find(name: &str) -> Result<&'static dyn NetSpec, NetsError> {
    let matches = |net: &&&dyn NetSpec| net.id() == name || net.aliases().contains(&name);
    NETS.iter().find(matches).copied().ok_or_else(|| {
        let known: Vec<&str> = NETS.iter().map(|net| net.id()).collect();
        NetsError::UnknownNet {
            name: name.to_owned(),
            problem: unknown(name, &known, "no network"),
        }
    })
}

/// Builds the architecture called `name`.
///
/// ```
/// use facette_nets::{NetOptions, build};
/// let graph = build("facette", &NetOptions::new(16)).unwrap();
/// assert_eq!(graph.counts().unwrap().parameters, 194_016);
/// ```
///
/// # Errors
/// If there is no such architecture, an option or setting is unknown or impossible, or the
/// picture is too small for the network.
pub fn build(name: &str, options: &NetOptions) -> Result<Graph, NetsError> {
    let net = find(name)?;
    options.check(net.id())?;
    net.build(options)
}
