//! Hostile templates and answers end, with an error that names the limit.

use std::time::{Duration, Instant};

use dossier_template::{
    Content, ContentError, NoInlineImages, NoReferenceData, RenderError, Template, limits,
};

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

/// The steps that a template takes of `{"x": …}`, whose text is so often this.
fn steps(template: &str, piece: &str, times: usize) -> u64 {
    let json = format!("{{\"x\": \"{}\"}}", piece.repeat(times));
    let content = Content::read_bare(json.as_bytes()).unwrap();
    let template = Template::parse(template).unwrap();
    let out = &mut std::io::sink();
    let rendered = template.render(&content, &NoReferenceData, &NoInlineImages, out);
    rendered.unwrap().steps
}

#[test]
fn escapes_are_counted_where_they_are_undone_and_plain_text_is_free_to_show() {
    let times = 100_000;
    let escapes = (times / limits::STEP_ESCAPES) as u64;
    for template in [
        "{{x}}",
        "{{{x}}}",
        "{{this}}",
        "{{eq x 1}}",
        "{{optionalString x}}",
    ] {
        let plain = steps(template, "nn", times);
        for piece in ["\\n", "\\u0041"] {
            let dense = steps(template, piece, times);
            assert!(dense >= plain + escapes, "{template} {piece}: {dense}");
        }
    }
    assert_eq!(steps("{{x}}", "nn", times), steps("{{x}}", "n", 1));
    let sparse = format!("{}\\n", "n".repeat(98));
    assert!(steps("{{x}}", &sparse, 1_000) < 1_000);
}

#[test]
fn a_text_of_escapes_alone_is_stopped_after_few_readings() {
    // 4 MB, of which a reading undoes two million escapes.
    let list = format!("[{}0]", "0,".repeat(2_999));
    let json = format!("{{\"big\": \"{}\", \"l\": {list}}}", "\\n".repeat(2 << 20));
    let content = Content::read_bare(json.as_bytes()).unwrap();
    let one_reading = (2 << 20) / limits::STEP_ESCAPES as u64;
    let most = limits::steps_max(3_003) / one_reading;
    assert!(most < 100, "{most}");
    for turn in ["{{../big}}", "{{#if (optionalString ../big)}}{{/if}}"] {
        let template = Template::parse(&format!("{{{{#each l}}}}x{turn}{{{{/each}}}}")).unwrap();
        let mut html = Vec::new();
        let error = template
            .render(&content, &NoReferenceData, &NoInlineImages, &mut html)
            .unwrap_err();
        assert!(is_limit(&error, "steps"), "{turn}: {error}");
    }
}

#[test]
fn long_names_and_many_names_are_counted_where_they_are_compared() {
    let name = "n".repeat(64_000);
    let json = format!("{{\"{name}\": 1}}");
    let steps = |template: &str, json: &str| {
        let content = Content::read_bare(json.as_bytes()).unwrap();
        let template = Template::parse(template).unwrap();
        let out = &mut std::io::sink();
        let rendered = template.render(&content, &NoReferenceData, &NoInlineImages, out);
        rendered.unwrap().steps
    };
    assert!(steps(&format!("{{{{{name}}}}}"), &json) >= 1_000);
    let arguments: String = (0..800).map(|n| format!(" a{n}=1")).collect();
    let called = format!("{{{{#*inline \"p\"}}}}{{{{x}}}}{{{{/inline}}}}{{{{> p{arguments}}}}}");
    assert!(steps(&called, "{}") >= 100);
    let partials: String = (0..800)
        .map(|n| format!("{{{{#*inline \"p{n}\"}}}}{{{{/inline}}}}"))
        .collect();
    assert!(steps(&format!("{partials}{{{{> p0}}}}"), "{}") >= 100);
}

#[test]
fn a_number_of_many_digits_is_counted_where_it_is_shown() {
    let json = format!("{{\"x\": 0.{}}}", "1".repeat(64_000));
    let content = Content::read_bare(json.as_bytes()).unwrap();
    for template in ["{{x}}", "{{this}}"] {
        let template = Template::parse(template).unwrap();
        let out = &mut std::io::sink();
        let rendered = template.render(&content, &NoReferenceData, &NoInlineImages, out);
        assert!(rendered.unwrap().steps >= 1_000);
    }
}
