//! Every limit of this crate, in one place. Passing one is an error that names it.

/// Bytes of a template.
pub const TEMPLATE_BYTES_MAX: usize = 2 << 20;
/// Blocks within blocks of a template; each `{{else if}}` of a chain counts too.
pub const BLOCK_NESTING_MAX: usize = 500;
/// Sub-expressions within sub-expressions.
pub const EXPRESSION_NESTING_MAX: usize = 50;
/// Bytes of an answer, which is held in memory.
pub const RESPONSE_BYTES_MAX: u64 = 512 << 20;
/// Values of an answer: each takes 28 to 36 bytes of memory beside its own.
pub const RESPONSE_NODES_MAX: usize = 16_000_000;
/// Lists and objects within each other in an answer.
pub const RESPONSE_NESTING_MAX: usize = 100_000;
/// Partials within partials while a template is rendered.
pub const PARTIAL_DEPTH_MAX: usize = 100;
/// Bytes that one rendering writes.
pub const OUTPUT_BYTES_MAX: u64 = 2 << 30;
/// Steps of one rendering, whatever the answer: a construct that is shown, a turn of a loop, a
/// context that is looked into, a part of a list or an object that is printed, [`STEP_BYTES`] of a text that is made, read or compared,
/// [`STEP_ESCAPES`], [`STEP_NAMES`]. Those of an answer are [`steps_max`].
pub const STEPS_MAX: u64 = 1_000_000_000;
/// Bytes of a text that count as one step.
pub const STEP_BYTES: usize = 64;
/// Escapes of a text of an answer, such as `\n` and `\u00e9`, that count as one further step where
/// the text is read or shown: undoing them takes longer than reading on.
pub const STEP_ESCAPES: usize = 4;
/// Names that are looked through, of a partial's arguments or of the partials that are defined, that
/// count as one step.
pub const STEP_NAMES: usize = 8;
/// Steps that a rendering may take of any answer.
pub const STEPS_MIN: u64 = 10_000_000;
/// Further steps for each value of the answer.
pub const STEPS_A_VALUE: u64 = 2_000;

/// Steps of a rendering of an answer with so many values: a small answer with a hostile template
/// takes little time.
pub fn steps_max(values: usize) -> u64 {
    let values = u64::try_from(values).unwrap_or(u64::MAX);
    STEPS_MIN
        .saturating_add(STEPS_A_VALUE.saturating_mul(values))
        .min(STEPS_MAX)
}
/// Bytes of one text that is made of a value; what is shown without a helper is not limited by it.
pub const TEXT_BYTES_MAX: usize = 64 << 20;
/// Findings of one check.
pub const FINDINGS_MAX: usize = 1_000;
/// Steps of a check's search for partials that are not there: a construct on one of the ways to it,
/// a scope that is looked into. Beyond them, only names that are nowhere defined are found.
pub const CHECK_STEPS_MAX: usize = 1_000_000;
