//! Hostile templates and answers end, with an error that names the limit.

use std::time::{Duration, Instant};

use dossier_template::{Content, ContentError, RenderError, Template, limits};

use crate::support::{failure, html};

fn is_limit(error: &RenderError, what: &str) -> bool {
    matches!(error, RenderError::Limit { what: found, .. } if *found == what)
}

#[test]
fn a_template_that_is_too_long_is_refused() {
    let error = Template::parse(&"a".repeat(limits::TEMPLATE_BYTES_MAX + 1)).unwrap_err();
    assert!(error.problem.contains("bytes"), "{error}");
    assert!(Template::parse(&"a".repeat(limits::TEMPLATE_BYTES_MAX)).is_ok());
}

#[test]
fn blocks_nest_as_deep_as_the_limit_and_no_deeper() {
    let nested =
        |depth: usize| format!("{}x{}", "{{#if t}}".repeat(depth), "{{/if}}".repeat(depth));
    assert_eq!(html(&nested(limits::BLOCK_NESTING_MAX), r#"{"t": 1}"#), "x");
    let error = Template::parse(&nested(limits::BLOCK_NESTING_MAX + 1)).unwrap_err();
    assert!(error.problem.contains("500"), "{error}");
}

#[test]
fn brackets_nest_as_deep_as_the_limit_and_no_deeper() {
    let nested = |depth: usize| {
        format!(
            "{{{{eq {}x{}}}}}",
            "(eq ".repeat(depth),
            " 1)".repeat(depth)
        )
    };
    assert!(Template::parse(&nested(limits::EXPRESSION_NESTING_MAX)).is_ok());
    assert!(Template::parse(&nested(limits::EXPRESSION_NESTING_MAX + 1)).is_err());
    assert!(
        Template::parse(&"(".repeat(100_000)).is_ok(),
        "text is no expression"
    );
    assert!(Template::parse(&format!("{{{{x {}", "(x ".repeat(100_000))).is_err());
}

#[test]
fn a_partial_that_calls_itself_for_ever_is_stopped() {
    let error = failure(r#"{{#*inline "p"}}x{{> p}}{{/inline}}{{> p}}"#, "{}");
    assert!(is_limit(&error, "partials within each other"), "{error}");
    assert!(error.to_string().starts_with("1:18: "), "{error}");
    assert!(error.to_string().contains("`this.n`"), "{error}");
    assert_eq!(error.place().unwrap().to_string(), "1:18");
    let error = failure(r#"{{#*inline "p"}}{{#> p}}{{/p}}{{/inline}}{{> p}}"#, "{}");
    assert!(is_limit(&error, "partials within each other"), "{error}");
}

/// Partials of which each calls the one before twice, so many.
fn doubling(partials: usize) -> String {
    let mut template = String::from("{{#*inline \"p0\"}}x{{/inline}}");
    for number in 1..=partials {
        let before = number - 1;
        template += &format!(
            "{{{{#*inline \"p{number}\"}}}}{{{{> p{before}}}}}{{{{> p{before}}}}}{{{{/inline}}}}"
        );
    }
    template + &format!("{{{{> p{partials}}}}}")
}

#[test]
fn partials_that_double_are_shown_as_long_as_they_are_few() {
    assert_eq!(html(&doubling(10), "{}"), "x".repeat(1024));
}

#[test]
fn partials_and_loops_that_multiply_are_stopped_by_their_steps() {
    let error = failure(&doubling(60), "{}");
    assert!(is_limit(&error, "steps"), "{error}");
    let list = format!("{{\"l\": [{}1]}}", "1,".repeat(999));
    let loops = "{{#each @root.l}}".repeat(5) + &"{{/each}}".repeat(5);
    let error = failure(&loops, &list);
    assert!(is_limit(&error, "steps"), "{error}");
}

#[test]
fn answers_nest_as_deep_as_the_limit_and_no_deeper() {
    let nested = |depth: usize| {
        let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        Content::read_bare(json.as_bytes())
    };
    assert!(nested(limits::RESPONSE_NESTING_MAX).is_ok());
    assert!(matches!(
        nested(limits::RESPONSE_NESTING_MAX + 1),
        Err(ContentError::TooLarge { max: 100_000, .. })
    ));
}

#[test]
fn a_list_within_a_hundred_thousand_lists_can_be_entered_and_printed() {
    let depth = limits::RESPONSE_NESTING_MAX - 1;
    let json = format!("{{\"x\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(html("{{x}}", &json).len(), 2 * depth);
    assert_eq!(html("{{optionalString x}}", &json).len(), 2 * depth);
    assert_eq!(
        html("{{#each x}}{{#each this}}a{{/each}}{{/each}}", &json),
        "a"
    );
}

/// A text of 4 MB with escapes, an object with such a name, and a list of 3,000.
fn large_text() -> Content {
    let big = format!("{}\\n", "a".repeat(4 << 20));
    let list = format!("[{}0]", "0,".repeat(2_999));
    let json = format!(
        "{{\"big\": \"{big}\", \"spaced\": \" {big}\", \"named\": {{\"{big}\": 1}}, \"l\": {list}}}"
    );
    Content::read_bare(json.as_bytes()).unwrap()
}

#[test]
fn whether_a_large_text_is_empty_is_told_without_reading_it() {
    let content = large_text();
    for test in [
        "(optionalValue ../big)",
        "(optionalString ../big)",
        "../big",
    ] {
        let template = format!("{{{{#each l}}}}{{{{#if {test}}}}}x{{{{/if}}}}{{{{/each}}}}");
        let started = Instant::now();
        let template = Template::parse(&template).unwrap();
        let html = template.render_to_string(&content).unwrap();
        assert_eq!(html.len(), 3_000, "{test}");
        assert!(started.elapsed() < Duration::from_secs(5), "{test}");
    }
}

#[test]
fn a_large_text_that_is_read_again_and_again_is_stopped_by_its_steps() {
    let content = large_text();
    for turn in [
        "{{#if (optionalString ../spaced)}}{{/if}}",
        "{{#if (eq ../big ../big)}}{{/if}}",
        "{{#if (convertBoolean ../big)}}{{/if}}",
        "{{#if (getIndexPlusOne ../big)}}{{/if}}",
        "{{#if (formatDate ../big)}}{{/if}}",
        "{{#each ../named}}{{/each}}",
    ] {
        let template = Template::parse(&format!("{{{{#each l}}}}{turn}{{{{/each}}}}")).unwrap();
        let error = template.render_to_string(&content).unwrap_err();
        assert!(is_limit(&error, "steps"), "{turn}: {error}");
    }
    let template = r#"{{#*inline "p"}}{{#each l}}{{#if x}}{{/if}}{{/each}}{{/inline}}{{> p x=(optionalString spaced)}}"#;
    let error = Template::parse(template)
        .unwrap()
        .render_to_string(&content)
        .unwrap_err();
    assert!(is_limit(&error, "steps"), "a copy: {error}");
}
