#include "auth/password_file.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

// Lines that mosquitto_passwd 2.0.11 wrote for these passwords.
constexpr const char* kMosquittoFile =
    "# made by mosquitto_passwd\n"
    "alice:$7$101$1gJeDae4Aw9Y4Cym$"
    "2XsKhJlPtYVqMeMLzGqK6Zy8eXWq1jW/OBI16fg6OXk0VygVfKnr0EHmzUIB/COIWKUNwVEMOu7CYoO8QLgOEg==\n"
    "bob:$7$101$U+A1WJpvRKazk/+m$"
    "PH2Pp8DgMVd5TV6SE7VOXgJUfsbKmbRbaHXHE1AhvMo0JcK0IdSPuL6rx34MeMGP/ATyYy/zb3fo2DWWMAq3Qg==\n"
    "\n"
    "carol:$6$Yr1S7cyqsStJ+DW9$"
    "v47RdwjwgIfU71JY2VPsuc+uzUPBEyDqBjMtjORWxtli8dgeta3LQ6NvZdEXDtVsM6deku6cj1AKelpb6F8n2Q==\n"
    "dave:$7$101$jSspLgtMVqGnFo3C$"
    "Mu7eA6y/seG5O34pyCB2Qi0jlX9jx2sLIRvwR9BpDKbKPX5cH7pkHtSJLTe1gjLcvBHe6xaf82efGZgJdgEKsA==\n"
    "erin:$6$3nY87oAmEDLcQQvs$"
    "SR2/UJpj94isqTnl0SbG25fA7qcNibCij9j9VXVvt88p53U/wImHsPc9AoeeOMCOFnJo70QvuPUuLJxQsDfUlQ==\n";

// scrypt of "pleaseletmein" as in RFC 7914 section 12, N = 16384, r = 8, p = 1.
constexpr const char* kRfcScrypt =
    "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$"
    "cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw";

PasswordFile file(std::string_view text) {
    auto parsed = PasswordFile::parse(text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
    return parsed ? std::move(parsed).value() : PasswordFile();
}

TEST(PasswordFile, VerifiesWhatMosquittoPasswdWrote) {
    const PasswordFile users = file(kMosquittoFile);
    EXPECT_EQ(users.user_count(), 5u);
    EXPECT_TRUE(users.verify("alice", "correct horse"));
    EXPECT_TRUE(users.verify("bob", "b"));
    EXPECT_TRUE(users.verify("carol", "correct horse"));
    EXPECT_TRUE(users.verify("dave", "p\xc3\xa4ssw\xc3\xb6rd:with#signs"));
    EXPECT_TRUE(users.verify("erin", ""));
}

TEST(PasswordFile, RefusesEveryOtherPassword) {
    const PasswordFile users = file(kMosquittoFile);
    for (const auto* password : {"", "correct hors", "correct horse ", "Correct horse", "b"}) {
        EXPECT_FALSE(users.verify("alice", password)) << password;
        EXPECT_FALSE(users.verify("carol", password)) << password;
    }
}

TEST(PasswordFile, RefusesUnknownUsersEvenWithTheStandInsPassword) {
    const PasswordFile users =
        file("erin" + std::string(kMosquittoFile).substr(std::string(kMosquittoFile).rfind(':')));
    EXPECT_TRUE(users.verify("erin", ""));
    EXPECT_FALSE(users.verify("Erin", ""));
    EXPECT_FALSE(users.verify("", ""));
    EXPECT_FALSE(PasswordFile().verify("erin", ""));
}

TEST(PasswordFile, ACONNECTWithoutPasswordIsNeverRight) {
    EXPECT_FALSE(file(kMosquittoFile).verify("erin", std::nullopt));
}

TEST(PasswordFile, PasswordsAreBytes) {
    const std::string password("\0\xff\n", 3);
    PasswordFile users;
    ASSERT_TRUE(users.set("u", hash_password(password, as_bytes("0123456789abcdef"))));
    EXPECT_TRUE(users.verify("u", password));
    EXPECT_FALSE(users.verify("u", std::string_view(password).substr(0, 1)));
}

TEST(PasswordFile, ReadsScryptAsRfc7914HasIt) {
    const PasswordFile users = file(std::string("u:") + kRfcScrypt);
    EXPECT_TRUE(users.verify("u", "pleaseletmein"));
    EXPECT_FALSE(users.verify("u", "pleaseletmeout"));
}

TEST(PasswordFile, ABadLineIsAnErrorWithItsNumber) {
    const std::string fine = "bob:" + std::string(kRfcScrypt) + "\n";
    const std::pair<std::string, const char*> kBad[] = {
        {"nobody", "no ':'"},
        {"nobody:", "not hashed in a known way"},
        {"nobody:secret", "not hashed in a known way"},
        {":" + std::string(kRfcScrypt), "not a user name"},
        {"a\tb:" + std::string(kRfcScrypt), "not a user name"},
        {"\xff:" + std::string(kRfcScrypt), "not a user name"},
        {"bob:" + std::string(kRfcScrypt), "the user is on line 1 already"},
        {"u:$6$c2FsdA==$", "not complete"},
        {"u:$6$$AAAA", "not complete"},
        {"u:$6$c2FsdA==$AAAA", "not complete"},
        {"u:$6$c2FsdA==", "not complete"},
        {"u:$7$x$c2FsdA==$AAAA", "not complete"},
        {"u:$7$0$c2FsdA==$AAAA", "not complete"},
        {"u:$7$4294967296$c2FsdA==$AAAA", "not complete"},
        {"u:$7$10000001$c2FsdA==$AAAA", "too much work"},
        {"u:$7$101$c2Fs*A==$AAAA", "not base64"},
        {"u:$7$101$c2FsdA==$AAAA:more", "not base64"},
        {"u:$scrypt$ln=15,r=8$c2FsdA$AAAA", "not complete"},
        {"u:$scrypt$r=8,ln=15,p=1$c2FsdA$AAAA", "not complete"},
        {"u:$scrypt$ln=15,r=8,p=1,x=1$c2FsdA$AAAA", "not complete"},
        {"u:$scrypt$ln=0,r=8,p=1$c2FsdA$AAAA", "not complete"},
        {"u:$scrypt$ln=15,r=8,p=1$c2FsdA$AAAA", "not complete"},
        {"u:$scrypt$ln=30,r=8,p=1$c2FsdA$AAAA", "too much work"},
        {"u:$scrypt$ln=20,r=8,p=1$c2FsdA$AAAA", "too much work"},
        {"u:$scrypt$ln=17,r=8,p=1000$c2FsdA$AAAA", "too much work"},
        {"u:$2b$12$abc", "not hashed in a known way"},
    };
    for (const auto& [line, what] : kBad) {
        std::string text = fine;
        text += "# note\n";
        text += line;
        text += "\nlast:";
        text += kRfcScrypt;
        const auto parsed = PasswordFile::parse(text);
        ASSERT_FALSE(parsed) << line;
        EXPECT_EQ(parsed.error().line, 3u) << line;
        EXPECT_NE(parsed.error().what.find(what), std::string::npos)
            << line << ": " << parsed.error().what;
    }
}

TEST(PasswordFile, AnErrorDoesNotShowTheLine) {
    const auto parsed = PasswordFile::parse("u:my plain secret");
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().what.find("plain secret"), std::string::npos);
}

TEST(PasswordFile, KeepsCommentsAndOrderWhenPrinted) {
    EXPECT_EQ(file(kMosquittoFile).print(), kMosquittoFile);
    EXPECT_EQ(PasswordFile().print(), "");
}

TEST(PasswordFile, BlanksAndCarriageReturnsAroundThePartsDoNotMatter) {
    const PasswordFile users = file(" u : " + std::string(kRfcScrypt) + " \r\n");
    EXPECT_TRUE(users.contains("u"));
    EXPECT_EQ(users.print(), "u:" + std::string(kRfcScrypt) + "\n");
}

TEST(PasswordFile, SetAddsAndReplacesAndRemoveRemoves) {
    PasswordFile users = file(kMosquittoFile);
    ASSERT_TRUE(users.set("frank", kRfcScrypt));
    ASSERT_TRUE(users.set("alice", kRfcScrypt));
    EXPECT_EQ(users.user_count(), 6u);
    EXPECT_TRUE(users.verify("alice", "pleaseletmein"));
    EXPECT_FALSE(users.verify("alice", "correct horse"));
    EXPECT_TRUE(users.remove("bob"));
    EXPECT_FALSE(users.remove("bob"));
    EXPECT_FALSE(users.verify("bob", "b"));

    const PasswordFile again = file(users.print());
    EXPECT_EQ(again.user_count(), 5u);
    EXPECT_TRUE(again.verify("frank", "pleaseletmein"));
    EXPECT_TRUE(again.verify("carol", "correct horse"));
}

TEST(PasswordFile, SetRefusesNamesThatALineCannotHold) {
    PasswordFile users;
    const std::string too_long(65536, 'x');
    for (const std::string_view name :
         {std::string_view(""), std::string_view("a:b"), std::string_view("#a"),
          std::string_view(" a"), std::string_view("a "), std::string_view("a\nb"),
          std::string_view("a\0b", 3), std::string_view("\xc3"), std::string_view(too_long)}) {
        const auto outcome = users.set(name, kRfcScrypt);
        ASSERT_FALSE(outcome) << name;
        EXPECT_EQ(outcome.error(), UserError::BadUserName);
    }
    EXPECT_TRUE(users.set("John Smith", kRfcScrypt));
    EXPECT_TRUE(users.set("j#s@example.org/\xc3\xa4", kRfcScrypt));
    EXPECT_TRUE(PasswordFile::parse(users.print()));
}

TEST(PasswordFile, SetRefusesTextThatIsNoHash) {
    PasswordFile users;
    const auto outcome = users.set("u", "plain");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), UserError::BadHash);
    EXPECT_EQ(users.user_count(), 0u);
}

// --- hashes ---

TEST(PasswordHash, OursIsScryptWithItsCostInTheText) {
    const std::string hash = hash_password("pw", as_bytes("0123456789abcdef"));
    // hashlib.scrypt(b'pw', salt=b'0123456789abcdef', n=32768, r=8, p=1, dklen=32)
    EXPECT_EQ(
        hash,
        "$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$o47+8cZRwKD3ZQw/+tjMsFiulJJ8X9DBpzjrMl6XsY4");
    const auto parsed = parse_password_hash(hash);
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(password_matches(*parsed, "pw"));
    EXPECT_FALSE(password_matches(*parsed, "pW"));
}

TEST(PasswordHash, TheSaltChangesTheHash) {
    EXPECT_NE(hash_password("pw", as_bytes("0123456789abcdef")),
              hash_password("pw", as_bytes("0123456789abcdeF")));
}

TEST(PasswordHash, IsReadAsWrittenByPasslib) {
    const auto parsed = parse_password_hash(
        "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E");
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(password_matches(*parsed, "password"));
}

TEST(PasswordHash, EveryErrorHasAText) {
    for (const auto error : {HashError::UnknownMethod, HashError::Malformed, HashError::NotBase64,
                             HashError::CostTooHigh})
        EXPECT_FALSE(describe(error).empty());
}

TEST(PasswordFile, HoldsWhatScramNeedsBesideOtherHashes) {
    const std::string hash = hash_password_for_scram("pencil", as_bytes("0123456789abcdef"));
    const auto file = PasswordFile::parse("ann:" + hash + "\n").value();
    EXPECT_TRUE(file.verify("ann", "pencil"));
    EXPECT_FALSE(file.verify("ann", "pencil "));
    const auto secret = file.scram_secret("ann");
    ASSERT_TRUE(secret);
    EXPECT_EQ(as_text(secret->salt), "0123456789abcdef");
    EXPECT_EQ(secret->iterations, kScramIterations);
    EXPECT_FALSE(file.scram_secret("ben"));
    EXPECT_EQ(file.print(), "ann:" + hash + "\n");
    for (const char* bad : {"ann:$scram-sha-256$0$c2FsdA$AA$AA", "ann:$scram-sha-256$1$c2FsdA$AA",
                            "ann:$scram-sha-256$99999999$c2FsdA$AA$AA", "ann:$scram-sha-256$"})
        EXPECT_FALSE(PasswordFile::parse(bad)) << bad;
}

// gsasl --mkpasswd --mechanism SCRAM-SHA-256 --password pw --iteration-count 4096
TEST(PasswordFile, TakesASecretOfGnuSasl) {
    const auto file = PasswordFile::parse(
                          "ann:$scram-sha-256$4096$MDEyMzQ1Njc4OWFiY2RlZg==$"
                          "5ZYEbgx2oIM3fZnh8TduMjqml9cWqbXQbEZWmn915Ik=$"
                          "6sv9J26dRZ6UzzzrfUNYjbMnEf5W9S+QtAvKkuddjcI=\n")
                          .value();
    EXPECT_TRUE(file.verify("ann", "pw"));
    EXPECT_FALSE(file.verify("ann", "wp"));
    EXPECT_EQ(file.scram_secret("ann")->server_key,
              make_scram_secret("pw", as_bytes("0123456789abcdef"), 4096).server_key);
}

TEST(PasswordFile, MergedUsersStandBesidesThoseOfTheFileOrInTheirPlace) {
    PasswordFile users = file(kMosquittoFile);
    ASSERT_TRUE(users.merge({{"alice", kRfcScrypt}, {"zoe", kRfcScrypt}}));
    EXPECT_EQ(users.user_count(), 6u);
    EXPECT_TRUE(users.verify("zoe", "pleaseletmein"));
    EXPECT_TRUE(users.verify("alice", "pleaseletmein"));
    EXPECT_FALSE(users.verify("alice", "correct horse"));
    EXPECT_TRUE(users.verify("bob", "b"));
}

TEST(PasswordFile, AMergedUserWhoIsNotEnabledIsGoneFromTheFileToo) {
    const PasswordFile before = file(kMosquittoFile);
    PasswordFile users = before;
    ASSERT_TRUE(users.merge({{"alice", kRfcScrypt, false}, {"zoe", kRfcScrypt, false}}));
    EXPECT_FALSE(users.contains("alice"));
    EXPECT_FALSE(users.contains("zoe"));
    EXPECT_EQ(users.changed_since(before), std::vector<std::string>{"alice"});
}

TEST(PasswordFile, AFaultInOneOfTheUsersMergesNone) {
    PasswordFile users = file(kMosquittoFile);
    const auto bad_hash = users.merge({{"alice", kRfcScrypt}, {"zoe", "$9$x"}});
    ASSERT_FALSE(bad_hash);
    EXPECT_EQ(bad_hash.error(), "zoe: this is not a password hash");
    EXPECT_FALSE(users.merge({{"alice", kRfcScrypt}, {"a:b", kRfcScrypt}}));
    EXPECT_TRUE(users.verify("alice", "correct horse"));
    EXPECT_EQ(users.user_count(), 5u);
}

}  // namespace
}  // namespace godwit::auth
