//! What the measured reports are about: a service's answer, made up, the same every time.
//!
//! A record is what case management systems hold of a stay: name/value rows, two tables, long
//! notes, and a letter in one of five scripts. Names, numbers and dates hardly repeat, so that
//! nothing that keeps what it has seen gains more by it than with real answers.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};

const WORDS: &str = "the to of and a in that was he she they on for at with had by not said be \
    from this is about were his her their who would has been there when which after before staff \
    officer wing cell landing visit family mother partner brother solicitor court hearing sentence \
    parole review board report record note entry date officer's governor chaplain healthcare nurse \
    doctor appointment medication asthma sleep anxious calm upset angry polite quiet settled \
    worried pleased tired unwell better worse education class tutor reading English mathematics \
    workshop kitchen garden laundry gym library job application wage canteen telephone number call \
    letter parcel property clothing trainers radio television request complaint response refused \
    agreed approved declined transferred moved returned arrived released recalled licence \
    condition supervision probation accommodation hostel address benefit bank account identity \
    document certificate programme course session attended missed late completed started planned \
    target goal progress concern risk assessment support plan keyworker meeting discussed raised \
    explained understood asked told spoke listened checked confirmed contacted arranged booked \
    cancelled waiting available further information observed incident argument damage search found \
    nothing item recovered security intelligence adjudication warning sanction reward enhanced \
    standard basic level behaviour improved continued reported reviewed next week month morning \
    afternoon evening Monday Tuesday Wednesday Thursday Friday weekend";

const SYLLABLES: [&str; 24] = [
    "an", "bar", "ben", "car", "dal", "el", "far", "gor", "hal", "in", "jo", "kel", "lin", "mor",
    "ner", "ol", "pat", "quin", "ros", "sal", "ter", "ul", "ver", "win",
];

/// Language and a passage of it. The words of each are put together anew in every letter.
const LETTERS: [(&str, &str); 5] = [
    (
        "Greek",
        "Σας γράφω σχετικά με την αίτηση που υπέβαλα τον περασμένο μήνα και για την οποία δεν έχω \
         λάβει ακόμη απάντηση παρακαλώ ενημερώστε την οικογένειά μου για την επόμενη επίσκεψη",
    ),
    (
        "Ukrainian",
        "Пишу вам щодо заяви яку я подав минулого місяця і на яку досі не отримав відповіді прошу \
         повідомити мою родину про наступне побачення та передати документи адвокатові",
    ),
    (
        "Arabic",
        "أكتب إليكم بخصوص الطلب الذي قدمته الشهر الماضي ولم أتلق أي رد عليه حتى الآن أرجو إبلاغ \
         عائلتي بموعد الزيارة القادمة وإرسال الوثائق إلى المحامي",
    ),
    (
        "Hebrew",
        "אני כותב אליכם בנוגע לבקשה שהגשתי בחודש שעבר ושעדיין לא קיבלתי עליה תשובה אנא הודיעו \
         למשפחתי על הביקור הבא והעבירו את המסמכים לעורך הדין",
    ),
    (
        "Vietnamese",
        "Tôi viết thư này về đơn mà tôi đã nộp tháng trước và đến nay vẫn chưa nhận được câu trả \
         lời xin vui lòng báo cho gia đình tôi biết về lần thăm tiếp theo và gửi giấy tờ cho luật sư",
    ),
];

/// Writes an answer of so many records, one at a time; returns its bytes.
pub fn write(path: &Path, records: u64) -> io::Result<u64> {
    let mut dice = Dice(1);
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(b"{\"content\":[")?;
    for number in 0..records {
        if number > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut out, &record(&mut dice, &words, number))?;
    }
    out.write_all(b"]}")?;
    let file = out.into_inner()?;
    Ok(file.metadata()?.len())
}

fn record(dice: &mut Dice, words: &[&str], number: u64) -> Value {
    let movements: Vec<Value> = (0..6 + dice.below(10))
        .map(|_| movement(dice, words))
        .collect();
    let transactions: Vec<Value> = (0..6 + dice.below(14))
        .map(|_| transaction(dice, words))
        .collect();
    let notes: Vec<Value> = (0..2 + dice.below(3))
        .map(|_| case_note(dice, words))
        .collect();
    let (language, passage) = LETTERS[(number % LETTERS.len() as u64) as usize];
    let passage: Vec<&str> = passage.split_whitespace().collect();
    json!({
        "bookingNumber": format!("{}{:05}", dice.letter(), dice.below(100_000)),
        "establishment": format!("HMP {}", dice.name()),
        "startDate": dice.date(),
        "endDate": dice.date(),
        "securityCategory": dice.letter().to_string(),
        "active": dice.below(2) == 0,
        "keyWorker": dice.person(),
        "address": format!("{} {} Street, {}", 1 + dice.below(200), dice.name(), dice.name()),
        "movements": movements,
        "transactions": transactions,
        "caseNotes": notes,
        "letter": {
            "language": language,
            "received": dice.date(),
            "text": dice.sentences(&passage, 60),
        },
    })
}

fn movement(dice: &mut Dice, words: &[&str]) -> Value {
    json!({
        "date": dice.date(),
        "from": dice.name(),
        "to": dice.name(),
        "reason": dice.phrase(words, 3),
        "escort": dice.person(),
    })
}

fn transaction(dice: &mut Dice, words: &[&str]) -> Value {
    json!({
        "date": dice.date(),
        "description": dice.phrase(words, 6),
        "amount": format!("£{}.{:02}", dice.below(90), dice.below(100)),
        "reference": format!("{}{:07}", dice.letter(), dice.below(10_000_000)),
    })
}

fn case_note(dice: &mut Dice, words: &[&str]) -> Value {
    let length = 50 + dice.below(120);
    json!({
        "noteNumber": 1_000_000 + dice.below(9_000_000),
        "createdAt": format!("{}T{:02}:{:02}:00", dice.date(), dice.below(24), dice.below(60)),
        "author": dice.person(),
        "type": dice.phrase(words, 2),
        "text": dice.sentences(words, length),
    })
}

/// Numbers that look thrown and are the same every time, on every machine and in every version:
/// Knuth's linear congruential generator of MMIX.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len() as u64) as usize]
    }

    fn letter(&mut self) -> char {
        char::from(b'A' + self.below(26) as u8)
    }

    fn date(&mut self) -> String {
        let (year, month, day) = (
            2010 + self.below(16),
            1 + self.below(12),
            1 + self.below(28),
        );
        format!("{year}-{month:02}-{day:02}")
    }

    fn name(&mut self) -> String {
        let name: String = (0..2 + self.below(2))
            .map(|_| self.pick(&SYLLABLES))
            .collect();
        capitalised(&name)
    }

    fn person(&mut self) -> String {
        format!("{} {}", self.name(), self.name())
    }

    fn phrase(&mut self, words: &[&str], length: u64) -> String {
        let words: Vec<&str> = (0..length).map(|_| self.pick(words)).collect();
        capitalised(&words.join(" "))
    }

    fn sentences(&mut self, words: &[&str], length: u64) -> String {
        let mut text = String::new();
        let mut left = length;
        while left > 0 {
            let next = left.min(5 + self.below(12));
            left -= next;
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&self.phrase(words, next));
            text.push('.');
        }
        text
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}
