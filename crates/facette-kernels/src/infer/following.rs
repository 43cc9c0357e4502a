//! What follows the sums of a layer, as far as loops are compiled for it.

/// What there is.
pub(super) trait Following {
    const RESIDUAL: bool;
    /// A rectifier before the residual is added.
    const INNER: bool;
    /// And one behind it.
    const OUTER: bool;
    /// Whether a byte other than 0 stands for 0, in the residual or the result.
    const SHIFTED: bool;
}

/// Each of them as named.
pub(super) struct Known<
    const RESIDUAL: bool,
    const INNER: bool,
    const OUTER: bool,
    const SHIFTED: bool,
>;

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool, const SHIFTED: bool> Following
    for Known<RESIDUAL, INNER, OUTER, SHIFTED>
{
    const RESIDUAL: bool = RESIDUAL;
    const INNER: bool = INNER;
    const OUTER: bool = OUTER;
    const SHIFTED: bool = SHIFTED;
}
