//! What the sample services hold: made-up records about a made-up person.

use serde_json::{Value, json};

/// How many case notes there are: enough to show a long section.
const CASE_NOTES: usize = 400;

const STAFF: [(&str, &str); 6] = [
    ("Margaret", "Oyelaran"),
    ("Tomasz", "Wiśniewski"),
    ("Siân", "Pritchard"),
    ("Derek", "Halloran"),
    ("Ifeoma", "Nwosu"),
    ("Harriet", "Blackwood"),
];

const NOTES: [(&str, &str, &str); 8] = [
    (
        "Key worker",
        "Session",
        "Met for the planned session. Talked about contact with family and about the training \
         course that starts next month. She would like to move to the garden team and has asked \
         what she must show to be considered.",
    ),
    (
        "Positive behaviour",
        "Incentive encouragement",
        "Helped a new arrival to find her way round the wing and explained the kiosk to her \
         without being asked.",
    ),
    (
        "General",
        "Wing observation",
        "Quiet on the wing this week. Attends work every day and keeps her cell in good order.",
    ),
    (
        "Education",
        "Progress",
        "Passed the level 1 mathematics paper (42 of 50). Has put her name down for level 2.\n\n\
         Her tutor notes that she explains the exercises to others well & patiently.",
    ),
    (
        "Health",
        "Appointment",
        "Did not attend the dental appointment because the escort was late; a new one is booked.",
    ),
    (
        "Resettlement",
        "Accommodation",
        "Spoke with the housing officer about addresses near her sister. Two have been put forward; \
         both need a visit before a decision can be made. Forms <HA-1> and <HA-2> are with the team.",
    ),
    (
        "Negative behaviour",
        "Incentive warning",
        "Raised her voice when asked to return to her cell at the end of association. Apologised \
         later the same evening, and the matter was left at a spoken warning.",
    ),
    (
        "Observation",
        "Family contact",
        "Weekly call with her son went ahead. She was in good spirits afterwards.",
    ),
];

fn date(day_of_record: usize) -> String {
    // A simple calendar of 28-day months is enough for made-up records.
    let (year, rest) = (2022 + day_of_record / 336, day_of_record % 336);
    format!("{year}-{:02}-{:02}", rest / 28 + 1, rest % 28 + 1)
}

/// Long: a list of objects with nested lists.
pub fn case_notes() -> Value {
    (0..CASE_NOTES)
        .rev()
        .map(|n| {
            let (kind, sub_kind, text) = NOTES[(n * 5 + n / 7) % NOTES.len()];
            let (forename, surname) = STAFF[(n * 3 + n / 11) % STAFF.len()];
            let (later, later_surname) = STAFF[(n + 2) % STAFF.len()];
            let amendments = if n % 9 == 0 {
                json!([{
                    "creationDateTime": format!("{}T16:02:11.084", date(n * 2 + 1)),
                    "additionalNoteText": "The date of the session was corrected.",
                    "authorName": format!("{later} {later_surname}"),
                }])
            } else {
                json!([])
            };
            json!({
                "creationDateTime": format!("{}T{:02}:{:02}:57.083934", date(n * 2), 8 + n % 9, n * 13 % 60),
                "type": kind,
                "subType": sub_kind,
                "text": text,
                "authorName": format!("{forename} {surname}"),
                "amendments": amendments,
            })
        })
        .collect()
}

/// A table: objects that all have the same few scalar members.
pub fn keyworker() -> Value {
    (0..14)
        .map(|n| {
            let (forename, surname) = STAFF[(n * 5) % STAFF.len()];
            json!({
                "allocatedAt": format!("{}T09:15:00", date(n * 45)),
                "expiredAt": if n == 13 { Value::Null } else { json!(format!("{}T09:14:59", date(n * 45 + 45))) },
                "prison": if n < 6 { "LFI" } else { "MLI" },
                "keyWorker": format!("{surname}, {forename}"),
                "automatic": n % 3 != 0,
            })
        })
        .collect()
}

/// The names of the prisons behind their codes.
pub fn prisons() -> Value {
    json!({ "LFI": "Leafield", "MLI": "Marsh Lane" })
}

/// A service's own template, if it has one.
pub fn template(service: &str) -> Option<&'static str> {
    match service {
        "sample-keyworker" => Some(include_str!("files/keyworker.hbs")),
        "sample-visits" => Some(include_str!("files/visits.hbs")),
        _ => None,
    }
}

/// Nested deeply.
pub fn licences() -> Value {
    json!({
        "licences": [{
            "id": 241,
            "typeCode": "All purpose",
            "statusCode": "Active",
            "appointment": {
                "person": "Duty officer",
                "time": "2024-11-20T09:30",
                "address": { "firstLine": "1 Probation House", "town": "Exemouth", "postcode": "ZZ1 1ZZ" },
            },
            "approvedDate": "19/11/2024 17:26:59",
            "conditions": {
                "standard": [
                    { "sequence": 1, "text": "Be of good behaviour and not behave in a way which undermines the purpose of the licence period." },
                    { "sequence": 2, "text": "Keep in touch with the supervising officer in accordance with instructions given by that officer." },
                    { "sequence": 3, "text": "Reside permanently at an address approved by the supervising officer." },
                ],
                "additional": [{
                    "category": "Residence at a specific place",
                    "uploads": [],
                    "history": [
                        { "changedAt": "2024-11-18T11:02:54Z", "by": "T. Wiśniewski", "from": null, "to": "Proposed" },
                        { "changedAt": "2024-11-19T16:47:03Z", "by": "S. Pritchard", "from": "Proposed", "to": "Approved" },
                    ],
                    "restrictions": { "curfew": { "required": true, "windows": [
                        { "day": "Monday to Friday", "from": "19:00", "until": "07:00" },
                        { "day": "Saturday and Sunday", "from": "20:00", "until": "08:00" },
                    ] } },
                }],
            },
        }],
    })
}

/// Small; it answers at the third try.
pub fn incentives() -> Value {
    json!([
        { "reviewTime": "2023-10-19T15:04:55.431895", "level": "Standard", "reviewedBy": "D. Halloran", "current": false },
        { "reviewTime": "2024-04-22T10:31:07.120000", "level": "Enhanced", "reviewedBy": "S. Pritchard", "current": true },
    ])
}

/// Very small: one object.
pub fn library() -> Value {
    json!({
        "memberSince": "2022-02-03",
        "booksOnLoan": 2,
        "finesOwed": 0.00,
        "coursesTaken": ["Bookbinding", "Level 1 mathematics", "Horticulture, first part"],
        "notes": "",
    })
}

/// Slow to come.
pub fn visits() -> Value {
    (0..24)
        .map(|n| {
            json!({
                "visitDate": date(n * 28 + 3),
                "slot": if n % 2 == 0 { "14:00 to 15:00" } else { "10:00 to 11:00" },
                "visitors": if n % 4 == 0 { 2 } else { 1 },
                "outcome": if n % 7 == 5 { "Cancelled by visitor" } else { "Completed" },
            })
        })
        .collect()
}

/// Text in several scripts.
pub fn correspondence() -> Value {
    json!([
        { "receivedOn": "2023-01-12", "language": "Welsh", "subject": "Llythyr gan y teulu", "text": "Annwyl Rhiannon, rydym i gyd yn iawn ac yn edrych ymlaen at dy weld ym mis Mawrth. Mae'r tŷ'n dawel hebot ti." },
        { "receivedOn": "2023-03-02", "language": "Polish", "subject": "List od przyjaciółki", "text": "Droga Rhiannon! Dziękuję za życzenia. Żółta łódź, o której pisałaś, wciąż stoi przy pomoście." },
        { "receivedOn": "2023-04-18", "language": "Greek", "subject": "Επιστολή", "text": "Αγαπητή Ρίανον, σου στέλνω πολλούς χαιρετισμούς από τη Θεσσαλονίκη. Γράψε μου όταν μπορείς." },
        { "receivedOn": "2023-05-30", "language": "Ukrainian", "subject": "Лист", "text": "Дорога Ріаннон, у нас усе гаразд. Яблуні цього року цвіли пізніше, ніж звичайно." },
        { "receivedOn": "2023-06-21", "language": "Arabic", "subject": "رسالة", "text": "عزيزتي ريانون، وصلتني رسالتك بتاريخ 12 مايو 2023 وسعدت بها كثيرا. أرسل لك سلام العائلة كلها." },
        { "receivedOn": "2023-07-09", "language": "Hebrew", "subject": "מכתב", "text": "ריאנון היקרה, תודה על המכתב מיום 3 ביוני 2023. כולם כאן שואלים לשלומך (גם Sarah)." },
        { "receivedOn": "2023-09-14", "language": "Vietnamese", "subject": "Thư gửi bạn", "text": "Rhiannon thân mến, cảm ơn bạn đã viết thư. Gia đình tôi vẫn khỏe và gửi lời thăm bạn." },
    ])
}

/// With attachments.
pub fn use_of_force(base: &str) -> Value {
    let listed = |number: u32, name: &str, file: &str| {
        let (content_type, bytes) = attachment(file).unwrap_or(("application/octet-stream", &[]));
        json!({
            "attachmentNumber": number,
            "name": name,
            "contentType": content_type,
            "url": format!("{base}/attachments/{file}"),
            "filename": file,
            "filesize": bytes.len(),
        })
    };
    json!({
        "content": [{
            "incidentDate": "2023-08-11T18:20:00",
            "reporterName": "Derek Halloran",
            "location": "Association room, B wing",
            "description": "Guiding hold used to lead the prisoner away from the doorway. No injury seen or reported.",
            "evidence": { "cctvRecording": "YES", "bodyWornCamera": false, "photographs": [] },
            "statements": [
                { "by": "Derek Halloran", "submittedOn": "2023-08-11", "text": "I asked twice. She stood in the doorway and I led her aside by the arm for about three metres." },
                { "by": "Ifeoma Nwosu", "submittedOn": "2023-08-12", "text": "I saw the last part. It was over in seconds, and both were calm afterwards." },
            ],
        }],
        "attachments": [
            listed(1, "Statement of D. Halloran", "statement-1.txt"),
            listed(2, "Plan of the association room", "plan.png"),
            listed(3, "Check by a nurse", "injury-check.pdf"),
            listed(4, "Body worn camera", "camera.mp4"),
        ],
    })
}

/// The attachments' files.
pub fn attachment(file: &str) -> Option<(&'static str, &'static [u8])> {
    match file {
        "statement-1.txt" => Some((
            "text/plain",
            b"I asked twice. She stood in the doorway and I led her aside by the arm.\n",
        )),
        "plan.png" => Some(("image/png", include_bytes!("files/plan.png"))),
        "injury-check.pdf" => Some(("application/pdf", include_bytes!("files/injury-check.pdf"))),
        // The beginning of a recording, which says what it is (ISO/IEC 14496-12, 4.3).
        "camera.mp4" => Some((
            "video/mp4",
            b"\0\0\0\x14ftypisom\0\0\x02\0isom\0\0\0\x08mdat",
        )),
        _ => None,
    }
}

/// From a probation service: objects in objects, dates in parts.
pub fn recall() -> Value {
    json!({
        "recommendations": [{
            "status": "DECISION_MADE",
            "recallType": { "selected": { "value": "NO_RECALL", "details": "Managed in the community with more frequent reporting." } },
            "responseToProbation": "Engaged well after the first warning letter, and has kept every appointment since then.",
            "licenceConditionsBreached": [],
            "vulnerabilities": { "selected": ["Bereavement", "Being bullied by others"], "details": "See the contact log of 4 June 2024." },
            "lastReviewedOn": "2024-06-18",
            "sensitive": false,
        }],
    })
}
