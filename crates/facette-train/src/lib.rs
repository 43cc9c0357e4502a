//! From a recipe to a trained student: stages, loop, schedules, checkpoints, run record.
