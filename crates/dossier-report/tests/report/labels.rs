use dossier_report::member_label;

#[test]
fn a_members_name_becomes_words() {
    for (name, label) in [
        ("dateOfBirth", "Date of birth"),
        ("date_of_birth", "Date of birth"),
        ("date-of-birth", "Date of birth"),
        ("DateOfBirth", "Date of birth"),
        ("prisonerURN", "Prisoner URN"),
        ("URNOfPrisoner", "URN of prisoner"),
        ("prisonerURNs", "Prisoner URNs"),
        ("bookingId", "Booking ID"),
        ("crn", "CRN"),
        ("addressLine1", "Address line 1"),
        ("Already in words, OK", "Already in words, OK"),
        ("été_dernier", "Été dernier"),
        ("_", "_"),
        ("", "(no name)"),
        ("名前", "名前"),
    ] {
        assert_eq!(member_label(name), label, "{name}");
    }
}
