// What a certificate calls its owner.
#include "transport/tls_native.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <algorithm>

namespace godwit::transport {

namespace {

std::string utf8_of(const ASN1_STRING* text) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, text);
    if (size < 0) return {};
    std::string name(reinterpret_cast<const char*>(utf8), size_t(size));
    OPENSSL_free(utf8);
    return name.find('\0') == std::string::npos ? name : std::string();
}

std::string common_name(const X509* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    return at < 0 ? std::string()
                  : utf8_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

/// @param kind  GEN_DNS, GEN_URI, GEN_EMAIL
std::string alternative_name(const X509* certificate, int kind) {
    const std::unique_ptr<GENERAL_NAMES, FreeBy<GENERAL_NAMES_free>> names(
        static_cast<GENERAL_NAMES*>(
            X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        int type = 0;
        const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
        if (type == kind) return utf8_of(static_cast<const ASN1_STRING*>(value));
    }
    return {};
}

std::string fingerprint(const X509* certificate) {
    std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
    std::string hex;
    for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
    return hex;
}

}  // namespace

std::string subject_text(const X509* certificate) {
    const Bio text(BIO_new(BIO_s_mem()));
    GW_ASSERT(text != nullptr);
    // RFC 2253, but UTF-8 stays as it is.
    const unsigned long flags = XN_FLAG_RFC2253 & ~unsigned(ASN1_STRFLGS_ESC_MSB);
    X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, flags);
    char* begin = nullptr;
    const long size = BIO_get_mem_data(text.get(), &begin);
    return {begin, size_t(std::max(0L, size))};
}

std::string name_of_certificate(const X509* certificate, CertificateName kind) {
    switch (kind) {
        case CertificateName::CommonName:
            return common_name(certificate);
        case CertificateName::Dns:
            return alternative_name(certificate, GEN_DNS);
        case CertificateName::Uri:
            return alternative_name(certificate, GEN_URI);
        case CertificateName::Email:
            return alternative_name(certificate, GEN_EMAIL);
        case CertificateName::Fingerprint:
            return fingerprint(certificate);
    }
    return {};
}

}  // namespace godwit::transport
