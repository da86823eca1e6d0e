// Real certificates for tests, made in the process: an authority that issues, and what it issues.
#pragma once

#include "base/assert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

namespace godwit::transport {

enum class TestKey { Ecdsa, Rsa };

struct TestIdentity {
    std::string certificate_pem;
    std::string key_pem;
    long serial = 0;
};

struct TestRequest {
    std::string common_name = "localhost";
    std::string organization;
    std::string alternative_names = "DNS:localhost,IP:127.0.0.1";  // OpenSSL's subjectAltName
    TestKey key = TestKey::Ecdsa;
    bool expired = false;
};

class TestAuthority {
public:
    explicit TestAuthority(const std::string& name = "Test Authority")
        : key_(make_key(TestKey::Ecdsa)),
          certificate_(make(nullptr, name, {.common_name = name})) {}

    std::string pem() const {
        return text([&](BIO* out) { return PEM_write_bio_X509(out, certificate_.get()); });
    }

    TestIdentity issue(const TestRequest& request) {
        const Key key = make_key(request.key);
        const Certificate certificate = make(key.get(), name_of(certificate_.get()), request);
        return {text([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); }),
                key_pem(key.get(), ""), serial_};
    }

    /// A revocation list with this one serial on it.
    std::string revoke(long serial) const {
        const Owned<X509_CRL> crl(X509_CRL_new(), X509_CRL_free);
        const Owned<X509_REVOKED> entry(X509_REVOKED_new(), X509_REVOKED_free);
        const Owned<ASN1_INTEGER> number(ASN1_INTEGER_new(), ASN1_INTEGER_free);
        const Owned<ASN1_TIME> from(ASN1_TIME_set(nullptr, std::time(nullptr) - kDay),
                                    ASN1_TIME_free);
        const Owned<ASN1_TIME> until(ASN1_TIME_set(nullptr, std::time(nullptr) + kDay),
                                     ASN1_TIME_free);
        X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
        X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(certificate_.get()));
        X509_CRL_set1_lastUpdate(crl.get(), from.get());
        X509_CRL_set1_nextUpdate(crl.get(), until.get());
        ASN1_INTEGER_set(number.get(), serial);
        X509_REVOKED_set_serialNumber(entry.get(), number.get());
        X509_REVOKED_set_revocationDate(entry.get(), from.get());
        GW_ASSERT(X509_CRL_add0_revoked(crl.get(), X509_REVOKED_dup(entry.get())) == 1);
        GW_ASSERT(X509_CRL_sign(crl.get(), key_.get(), EVP_sha256()) > 0);
        return text([&](BIO* out) { return PEM_write_bio_X509_CRL(out, crl.get()); });
    }

    /// The same key, encrypted with a password.
    static std::string encrypt_key(const std::string& pem, const std::string& password) {
        const Owned<BIO> in(BIO_new_mem_buf(pem.data(), int(pem.size())), BIO_free);
        const Key key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
        return key_pem(key.get(), password);
    }

private:
    template <class T>
    struct FreeWith {
        FreeWith(void (*free)(T*)) : void_free(free) {}
        FreeWith(int (*free)(T*)) : int_free(free) {}
        void operator()(T* object) const { void_free ? void_free(object) : void(int_free(object)); }
        void (*void_free)(T*) = nullptr;
        int (*int_free)(T*) = nullptr;
    };
    template <class T>
    using Owned = std::unique_ptr<T, FreeWith<T>>;
    using Key = Owned<EVP_PKEY>;
    using Certificate = Owned<X509>;
    static constexpr long kDay = 24 * 60 * 60;

    static Key make_key(TestKey kind) {
        return {kind == TestKey::Ecdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048), EVP_PKEY_free};
    }

    static std::string name_of(const X509* certificate) {
        char name[256] = {};
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                  sizeof name);
        return name;
    }

    template <class Write>
    static std::string text(Write&& write) {
        const Owned<BIO> out(BIO_new(BIO_s_mem()), BIO_free);
        GW_ASSERT(write(out.get()) == 1);
        char* begin = nullptr;
        const long size = BIO_ctrl(out.get(), BIO_CTRL_INFO, 0, &begin);
        return {begin, size_t(size)};
    }

    static std::string key_pem(EVP_PKEY* key, const std::string& password) {
        const auto* secret = reinterpret_cast<const unsigned char*>(password.data());
        const EVP_CIPHER* cipher = password.empty() ? nullptr : EVP_aes_256_cbc();
        return text([&](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key, cipher, secret, int(password.size()), nullptr,
                                            nullptr);
        });
    }

    static void add_name(X509_NAME* name, const char* field, const std::string& value) {
        if (value.empty()) return;
        const auto* utf8 = reinterpret_cast<const unsigned char*>(value.data());
        GW_ASSERT(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, utf8, int(value.size()),
                                             -1, 0) == 1);
    }

    static void add_extension(X509* to, int nid, const std::string& value) {
        const Owned<X509_EXTENSION> extension(
            X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), X509_EXTENSION_free);
        GW_ASSERT(X509_add_ext(to, extension.get(), -1) == 1);
    }

    /// Signed by this authority; a null key makes the authority's own certificate.
    Certificate make(EVP_PKEY* key, const std::string& issuer, const TestRequest& request) {
        Certificate made(X509_new(), X509_free);
        X509* x = made.get();
        X509_set_version(x, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(x), -2 * kDay);
        X509_gmtime_adj(X509_getm_notAfter(x), request.expired ? -kDay : kDay);
        X509_set_pubkey(x, key == nullptr ? key_.get() : key);
        add_name(X509_get_subject_name(x), "O", request.organization);
        add_name(X509_get_subject_name(x), "CN", request.common_name);
        add_name(X509_get_issuer_name(x), "CN", issuer);
        if (key == nullptr)
            add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
        else if (!request.alternative_names.empty())
            add_extension(x, NID_subject_alt_name, request.alternative_names);
        GW_ASSERT(X509_sign(x, key_.get(), EVP_sha256()) > 0);
        return made;
    }

    long serial_ = 0;
    Key key_;
    Certificate certificate_;
};

}  // namespace godwit::transport
