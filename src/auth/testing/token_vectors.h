// Tokens and keys of others for tests. Made by the authors of the RFCs and by the library jose.
#pragma once

namespace godwit::auth {

// RFC 7515 appendices A.1 and A.3: {"iss":"joe", "exp":1300819380,
// "http://example.com/is_root":true}
inline constexpr const char* kRfcHs256Key =
    R"({"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]})";
inline constexpr const char* kRfcHs256 =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo"
    "gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOE"
    "jXk";
inline constexpr const char* kRfcEs256Key =
    R"({"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})";
inline constexpr const char* kRfcEs256 =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
    "lLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
    "SlSApmWQxfKTUJqPP3-Kg6NU1Q";
// RFC 8037 appendix A.4: its payload is no JSON.
inline constexpr const char* kRfcEdDsaKey =
    R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
inline constexpr const char* kRfcEdDsa =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09P"
    "GcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

// jose 6.2.18: {"sub":"pump-7","iss":"https://issuer.test","aud":["godwit","other"],
// "exp":1800000000,"nbf":1700000000,"site":"north","level":7,"admin":true,"topics":["a/b","c/+"],
// "address":{"city":"x"},"jti":"1"}; kid is "k-" and the algorithm, but for HS256, which has none.
inline constexpr const char* kJoseRs256Jwk =
    R"({"kty":"RSA","n":"sZtr5deLshntp2x-t20tdR6H07lu-naTJbrXax2e0zul0Jm8PZT03m3dfre2nnt5BoKq9QsgvHKXUnzCIUoybeq9Iq3FfyMIZei2Wo-nriJ6cu3_loej6LNSPq5tHX58IDSMfVUZPmWa_bsHmR_zKHqzjrn7zZkuHL-NB_RJR3NwIDLVKWc16hrzTlB3qlow_2Hy9jfscq6J5HzqHRqPiSF8XUVGLgQqSQ_HodoopGkBuU_pvCA9yY7t3mcFSXJZ_bDtrYbhHPaouF0Ggwrd1qUlApEmpa5gibgHQH9xXQzuLoHV2cDRpQScjKL6dVrg4YIrdZITRQFIKYvshlpccQ","e":"AQAB"})";
inline constexpr const char* kJoseRs256Pem =
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsZtr5deLshntp2x+t"
    "20t\ndR6H07lu+naTJbrXax2e0zul0Jm8PZT03m3dfre2nnt5BoKq9QsgvHKXUnzCIUoy\nbeq9Iq3FfyMIZei2Wo+"
    "nriJ6cu3/loej6LNSPq5tHX58IDSMfVUZPmWa/bsHmR/z\nKHqzjrn7zZkuHL+NB/RJR3NwIDLVKWc16hrzTlB3ql"
    "ow/2Hy9jfscq6J5HzqHRqP\niSF8XUVGLgQqSQ/HodoopGkBuU/pvCA9yY7t3mcFSXJZ/bDtrYbhHPaouF0Ggwrd\n"
    "1qUlApEmpa5gibgHQH9xXQzuLoHV2cDRpQScjKL6dVrg4YIrdZITRQFIKYvshlpc\ncQIDAQAB\n-----END PUBLI"
    "C KEY-----\n";
inline constexpr const char* kJoseRs256 =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImstUlMyNTYifQ.eyJzdWIiOiJwdW1wLTciLCJpc3MiOiJodHRwczovL2lzc"
    "3Vlci50ZXN0IiwiYXVkIjpbImdvZHdpdCIsIm90aGVyIl0sImV4cCI6MTgwMDAwMDAwMCwibmJmIjoxNzAwMDAwM"
    "DAwLCJzaXRlIjoibm9ydGgiLCJsZXZlbCI6NywiYWRtaW4iOnRydWUsInRvcGljcyI6WyJhL2IiLCJjLysiXSwiY"
    "WRkcmVzcyI6eyJjaXR5IjoieCJ9LCJqdGkiOiIxIn0.TFJqxRVfLCXUbfjjoKKJ0jYlLNGeDfBRgbaFvx94LOVl9"
    "Q5CmLE1HLp4yQk-fOW7Kyrp-eR1X1pz8M9jg4FiWh-16Xkcf5l_cK8Efg_nIXT-yX6ivTFIf55XhJ6ZfJRFpQBuQ"
    "tp4eKzPPgxSXmwuSf5dG3XkD-XMB75mkj9ebulqKlbon3dLdNFNBmqrsPjAKH58ECa2Iz6PB6cdDC518VnLeeCXY"
    "V9uEY9Qg62dFBb0oAuc4g-6mOUuLDh06EzYNVIRLYYpsLrQDY6mHySM_-D1wn3-VWQPAfDt7dEyoyOIC_ZywAozl"
    "Az-EnZGFChJu44odKlgWi4amP1w9LfywQ";
inline constexpr const char* kJoseEs256Jwk =
    R"({"kty":"EC","x":"ZViWK7UcyOGe1MVJfd1ROyrj60zZcx3760QKioeV_oo","y":"YtaxRkSmUzXJnuccmJTn9WiMou1IYWdahPk3sSLv3Is","crv":"P-256"})";
inline constexpr const char* kJoseEs256Pem =
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZViWK7UcyOGe1MVJfd1ROyrj6"
    "0zZ\ncx3760QKioeV/opi1rFGRKZTNcme5xyYlOf1aIyi7UhhZ1qE+TexIu/ciw==\n-----END PUBLIC KEY----"
    "-\n";
inline constexpr const char* kJoseEs256 =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImstRVMyNTYifQ.eyJzdWIiOiJwdW1wLTciLCJpc3MiOiJodHRwczovL2lzc"
    "3Vlci50ZXN0IiwiYXVkIjpbImdvZHdpdCIsIm90aGVyIl0sImV4cCI6MTgwMDAwMDAwMCwibmJmIjoxNzAwMDAwM"
    "DAwLCJzaXRlIjoibm9ydGgiLCJsZXZlbCI6NywiYWRtaW4iOnRydWUsInRvcGljcyI6WyJhL2IiLCJjLysiXSwiY"
    "WRkcmVzcyI6eyJjaXR5IjoieCJ9LCJqdGkiOiIxIn0.1BIBJTkgCMjMbvn7MqJF0HeFTo9uHg4fZnpaP_gpJWl9v"
    "dADii5vNXrysY37isnUEx1loq1YhcQ587JQJTt-Gg";
inline constexpr const char* kJoseEdDsaJwk =
    R"({"crv":"Ed25519","x":"6FGYpHgAY-ioYI2qwgCLejr5_90xwfboDP1Uukd9hEI","kty":"OKP"})";
inline constexpr const char* kJoseEdDsaPem =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA6FGYpHgAY+ioYI2qwgCLejr5/90xwfboDP1Uukd9hEI=\n"
    "-----END PUBLIC KEY-----\n";
inline constexpr const char* kJoseEdDsa =
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImstRWREU0EifQ.eyJzdWIiOiJwdW1wLTciLCJpc3MiOiJodHRwczovL2lzc"
    "3Vlci50ZXN0IiwiYXVkIjpbImdvZHdpdCIsIm90aGVyIl0sImV4cCI6MTgwMDAwMDAwMCwibmJmIjoxNzAwMDAwM"
    "DAwLCJzaXRlIjoibm9ydGgiLCJsZXZlbCI6NywiYWRtaW4iOnRydWUsInRvcGljcyI6WyJhL2IiLCJjLysiXSwiY"
    "WRkcmVzcyI6eyJjaXR5IjoieCJ9LCJqdGkiOiIxIn0.yn7yXiGimVyWmMuPAeTcWB4WxuXDluku35QIsDHklDnLd"
    "vB_JpUbBMK5mTwzquDRl5PjcbW4iZB24cF6qxiCAA";
inline constexpr const char* kJosePs256Jwk =
    R"({"kty":"RSA","n":"m-zw8CA2cjLufCyJBa3USsZwjh2E1H8ddNeQJxrjjq3menAxUkC3iwtwoRSpMo9JMhCLED4FX3594QOkzuYwjzKRlxZqtJCGTUNZYk-qsKc7G73X99USzIyuNTDpE9EkTSKYsV-QqZI9NvePqsSeY32Z9ETnkGEiIQHfJpix61gFFMv4krT3o5Aq_BLzZ2_Ke6PQpkJn0lwPD2i7-mjLxj5KMWxmXle3_7sV6F-QXSidowcvlfnJMYC5TWpmAw9nYqmThC8N7P3rsEnPTIOMigfl2cZP7lV7QA7BwsvqVa4ExGWEjRHR8aKcbOURFoNUCCsN1SZZP0h2TRw035bL7Q","e":"AQAB"})";
inline constexpr const char* kJosePs256 =
    "eyJhbGciOiJQUzI1NiIsImtpZCI6ImstUFMyNTYifQ.eyJzdWIiOiJwdW1wLTciLCJpc3MiOiJodHRwczovL2lzc"
    "3Vlci50ZXN0IiwiYXVkIjpbImdvZHdpdCIsIm90aGVyIl0sImV4cCI6MTgwMDAwMDAwMCwibmJmIjoxNzAwMDAwM"
    "DAwLCJzaXRlIjoibm9ydGgiLCJsZXZlbCI6NywiYWRtaW4iOnRydWUsInRvcGljcyI6WyJhL2IiLCJjLysiXSwiY"
    "WRkcmVzcyI6eyJjaXR5IjoieCJ9LCJqdGkiOiIxIn0.ZIjer3fhJjHima1KAhPaIvop5ANRuUOUitIPRC8YsWx1H"
    "rV0pDuE7iHnAf0IASunG-KsSDSTE3Qt9Yui5qd5i0t5Ex3HFaLq03niVUM3LH69gVHi2IdbFbEezIJMzdsUpF2Rw"
    "SpqFMeSWFfvS0Gq2LO1tnluD_nhYwSagOQNKsmA5HgUkodZ72B7XQx6wJSYmbP-Is0njkBP9-JfIksHuNJ4qNHPK"
    "eiWmkSDFHTyDTz9mJ7UkLMPddLr6P5p5LiEEawVAbw3xrawAJ9JFhF9IQ39GPAoivAV-Bms6f4Mh6Hrc_vBTX91l"
    "tmXnQ9u_zla1dm7UNK8XITg5VBSLratPQ";
inline constexpr const char* kJoseEs384Jwk =
    R"({"kty":"EC","x":"7xQU4u_vLR02L95d1PJ9X89H_8Ol4L3yEqdqdUPmo3n5HR6IugBJv8HuRAVGeR6x","y":"xtT_4q3HZKcRStU02J0WUHjCvWc2p7XL7eoPw4S3jtdkONCXpqUmPLpGEXFMBdjT","crv":"P-384"})";
inline constexpr const char* kJoseEs384Pem =
    "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE7xQU4u/vLR02L95d1PJ9X89H/8Ol4"
    "L3y\nEqdqdUPmo3n5HR6IugBJv8HuRAVGeR6xxtT/4q3HZKcRStU02J0WUHjCvWc2p7XL\n7eoPw4S3jtdkONCXpqU"
    "mPLpGEXFMBdjT\n-----END PUBLIC KEY-----\n";
inline constexpr const char* kJoseEs384 =
    "eyJhbGciOiJFUzM4NCIsImtpZCI6ImstRVMzODQifQ.eyJzdWIiOiJwdW1wLTciLCJpc3MiOiJodHRwczovL2lzc"
    "3Vlci50ZXN0IiwiYXVkIjpbImdvZHdpdCIsIm90aGVyIl0sImV4cCI6MTgwMDAwMDAwMCwibmJmIjoxNzAwMDAwM"
    "DAwLCJzaXRlIjoibm9ydGgiLCJsZXZlbCI6NywiYWRtaW4iOnRydWUsInRvcGljcyI6WyJhL2IiLCJjLysiXSwiY"
    "WRkcmVzcyI6eyJjaXR5IjoieCJ9LCJqdGkiOiIxIn0.rhQaf6PaM2AWZlSnITEW_v0hYttIfq8xPyJCHyAe5VTue"
    "asjGiX0GIVPzDEcxWuyrHIMNp0Q6lfo9wz8sCXWaD8hY6VQQIKQS5sL68LwE6Cg9M3BNtjrpIsaLFAXZNsM";
inline constexpr const char* kJoseSecret = "0123456789abcdef0123456789abcdef";
inline constexpr const char* kJoseHs256 =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwdW1wLTciLCJpc3MiOiJodHRwczovL2lzc3Vlci50ZXN0IiwiYXVkIjp"
    "bImdvZHdpdCIsIm90aGVyIl0sImV4cCI6MTgwMDAwMDAwMCwibmJmIjoxNzAwMDAwMDAwLCJzaXRlIjoibm9ydGg"
    "iLCJsZXZlbCI6NywiYWRtaW4iOnRydWUsInRvcGljcyI6WyJhL2IiLCJjLysiXSwiYWRkcmVzcyI6eyJjaXR5Ijo"
    "ieCJ9LCJqdGkiOiIxIn0.utxoyWpRmXWqge95mVl5SES-aLwgqTwNwAJl862mkpw";

}  // namespace godwit::auth
