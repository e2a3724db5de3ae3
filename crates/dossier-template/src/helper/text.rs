/// What stands where nothing is held.
pub(crate) const NO_DATA_HELD: &str = "No Data Held";

/// `Yes` or `No` for a text or a number as it is written; `"TRUE"` is neither.
pub(crate) fn yes_or_no(text: &str) -> Option<&'static str> {
    match text {
        "1" | "true" => Some("Yes"),
        "0" | "false" => Some("No"),
        _ => None,
    }
}
