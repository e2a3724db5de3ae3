//! Templates as services write them, with the HTML that they give.

use dossier_template::{Content, NoInlineImages, ReferenceNames, Template};

/// White space between tags and its runs do not count, as in the report.
fn folded(html: &str) -> String {
    let words = html.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .replace("> <", "><")
        .replace("> ", ">")
        .replace(" <", "<")
}

#[track_caller]
fn compare(name: &str) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/template/realistic");
    let read = |file: String| std::fs::read_to_string(folder.join(file)).unwrap();
    let template = Template::parse(&read(format!("{name}.mustache"))).unwrap();
    let content = Content::open(&folder.join(format!("{name}.json"))).unwrap();
    let names = ReferenceNames::from_json(read("reference.json".to_owned()).as_bytes()).unwrap();
    let mut html = Vec::new();
    template
        .render(&content, &names, &NoInlineImages, &mut html)
        .unwrap();
    let html = String::from_utf8(html).unwrap();
    assert_eq!(folded(&html), folded(&read(format!("{name}.html"))));
    let errors: Vec<_> = template
        .check(Some(&content))
        .into_iter()
        .filter(|finding| finding.severity() == dossier_template::Severity::Error)
        .collect();
    assert_eq!(errors, []);
}

#[test]
fn a_list_of_records_with_tables_and_fallbacks() {
    compare("visits");
}

#[test]
fn nested_lists_conditions_and_partials() {
    compare("assessments");
}

#[test]
fn a_record_with_every_helper_and_every_kind_of_block() {
    compare("custody");
}

#[test]
fn a_list_of_wrapped_records_with_events_and_journeys() {
    compare("transfers");
}

#[test]
fn one_record_of_sections_entered_by_name() {
    compare("supervision");
}

/// Lines of a template, each with what it shows of the first record and of the second.
const LINES: [[&str; 3]; 20] = [
    ["<td>{{name}}</td>", "<td>Ann &amp; Bob</td>", "<td></td>"],
    ["<td>{{{name}}}</td>", "<td>Ann & Bob</td>", "<td></td>"],
    [
        "<td>{{optionalValue name}}</td>",
        "<td>Ann &amp; Bob</td>",
        "<td>No Data Held</td>",
    ],
    [
        "<td>{{optionalString note \"-\"}}</td>",
        "<td>-</td>",
        "<td>a</td>",
    ],
    [
        "<td>{{optionalValue (formatDate born)}}</td>",
        "<td>01 May 2024</td>",
        "<td>No Data Held</td>",
    ],
    [
        "<td>{{convertBoolean held}}</td>",
        "<td>Yes</td>",
        "<td>No</td>",
    ],
    [
        "<p>{{#if held}}a{{else}}b{{/if}}</p>",
        "<p>a</p>",
        "<p>b</p>",
    ],
    [
        "<p>{{#unless held}}a{{/unless}}|</p>",
        "<p>|</p>",
        "<p>a|</p>",
    ],
    [
        "<p>{{#held}}{{year}}{{/held}}|</p>",
        "<p>1999|</p>",
        "<p>|</p>",
    ],
    [
        "<p>{{^held}}{{year}}{{/held}}|</p>",
        "<p>|</p>",
        "<p>1999|</p>",
    ],
    [
        "<p>{{#each places}}{{@index}}{{this}}{{#unless @last}}, {{/unless}}{{else}}none{{/each}}</p>",
        "<p>0x, 1y</p>",
        "<p>none</p>",
    ],
    [
        "<p>{{#places}}{{.}}{{/places}}|</p>",
        "<p>xy|</p>",
        "<p>|</p>",
    ],
    [
        "<p>{{places}} {{places.[1]}}</p>",
        "<p>[x, y] y</p>",
        "<p>[] </p>",
    ],
    [
        "<p>{{#with home}}{{street}} {{year}} {{../held}}{{/with}}|</p>",
        "<p>High 1999 true|</p>",
        "<p>Low 1999 false|</p>",
    ],
    [
        "<p>{{home.street}}{{home.gone.street}}</p>",
        "<p>High</p>",
        "<p>Low</p>",
    ],
    [
        "<p>{{../year}}{{this.year}}</p>",
        "<p>1999</p>",
        "<p>1999</p>",
    ],
    [
        "<p>{{getIndexPlusOne @index}}{{#if @first}}f{{/if}}{{#if @last}}l{{/if}}</p>",
        "<p>1f</p>",
        "<p>2l</p>",
    ],
    [
        "<p>{{#each home}}{{@key}}={{this}};{{/each}}</p>",
        "<p>street=High;</p>",
        "<p>street=Low;</p>",
    ],
    [
        "<p>{{> row label=\"N\" value=name}}</p>",
        "<p>N: Ann &amp; Bob</p>",
        "<p>N: No Data Held</p>",
    ],
    [
        "<p>{{#if (eq home.street \"High\")}}up{{else if (eq home.street \"Low\")}}down{{/if}}{{! x }}</p>",
        "<p>up</p>",
        "<p>down</p>",
    ],
];

#[test]
fn a_template_of_more_than_5_000_lines() {
    let json = r#"{"year": 1999, "records": [
        {"name": "Ann & Bob", "note": " ", "born": "2024-05-01", "held": true,
         "places": ["x", "y"], "home": {"street": "High"}},
        {"name": null, "note": "a", "held": false, "places": [], "home": {"street": "Low"}}
    ]}"#;
    let times = 260;
    let mut template = String::from(
        "{{#*inline \"row\"}}{{label}}: {{optionalValue value}}{{/inline}}\n{{#each records}}\n",
    );
    let mut expected = String::from("\n");
    for _ in 0..times {
        for [line, ..] in LINES {
            template += &format!("{line}\n");
        }
    }
    template += "{{/each}}\n";
    for record in [1, 2] {
        expected += "\n";
        for _ in 0..times {
            LINES
                .iter()
                .for_each(|line| expected += &format!("{}\n", line[record]));
        }
    }
    expected += "\n";
    assert!(template.lines().count() > 5_200);
    let template = Template::parse(&template).unwrap();
    let content = Content::read_bare(json.as_bytes()).unwrap();
    assert!(template.render_to_string(&content).unwrap() == expected);
}
