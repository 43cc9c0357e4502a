//! Knowledge, the terms that compare it, the heads, and the methods that tie them together.
