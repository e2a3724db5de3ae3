//! From a member's name in JSON to words that a reader knows.

/// Turns a name such as `dateOfBirth` or `date_of_birth` into `Date of birth`.
///
/// Runs of capitals stay as they are (`prisonerURN` becomes `Prisoner URN`). A name that holds a
/// space is taken as written for readers, but for its first letter.
pub fn member_label(name: &str) -> String {
    let words = if name.trim().contains(char::is_whitespace) {
        vec![name.trim().to_owned()]
    } else {
        words(name)
    };
    let mut label = String::with_capacity(name.len() + 8);
    for (place, word) in words.iter().enumerate() {
        if place == 0 {
            let mut chars = word.chars();
            label.extend(chars.next().into_iter().flat_map(char::to_uppercase));
            label.push_str(chars.as_str());
        } else {
            label.push(' ');
            label.push_str(word);
        }
    }
    if label.is_empty() {
        return if name.is_empty() { "(no name)" } else { name }.to_owned();
    }
    label
}

fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().copied().enumerate() {
        let separator = matches!(c, '_' | '-');
        let before = at.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(at + 1).copied();
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_numeric()
                    || (before.is_uppercase() && after.is_some_and(ends_capitals))
            });
        let counts = c.is_ascii_digit() && before.is_some_and(char::is_lowercase);
        if (separator || begins || counts) && !word.is_empty() {
            words.push(worded(std::mem::take(&mut word)));
        }
        if !separator {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(worded(word));
    }
    words
}

fn ends_capitals(after: char) -> bool {
    after.is_lowercase() && after != 's'
}

/// Lower case, unless the word is an acronym: it holds several capitals, or is known as one.
fn worded(word: String) -> String {
    if word.chars().filter(|c| c.is_uppercase()).count() > 1 {
        return word;
    }
    let word = word.to_lowercase();
    match word.as_str() {
        "id" | "url" | "uuid" | "crn" | "pnc" | "cro" => word.to_uppercase(),
        "ids" => "IDs".to_owned(),
        _ => word,
    }
}
