//! Protocols, metrics, figures and reports.
