#include "client/message_format.h"

#include "base/json.h"
#include "client/property_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace godwit::client {

namespace {

constexpr std::string_view kFields = "%ACDEFIjJlmPpqRrStUxX";
constexpr std::string_view kWithWidth = "ACEFIlmpRStxX";
constexpr std::string_view kWithMaximum = "CIRt";
constexpr size_t kWidthMax = 10'000;
constexpr int64_t kNanosPerSecond = 1'000'000'000;

struct SplitTime {
    int64_t seconds;
    int64_t nanos;
};

SplitTime split(ReceivedAt at) {
    const int64_t total = at.time_since_epoch().count();
    return {total / kNanosPerSecond, total % kNanosPerSecond};
}

/// @param format  of strftime
std::string local_time(const char* format, int64_t seconds) {
    const auto time = time_t(seconds);
    std::tm local{};
    if (localtime_r(&time, &local) == nullptr) return "";
    std::array<char, 256> text;
    return {text.data(), std::strftime(text.data(), text.size(), format, &local)};
}

std::string hex(Bytes bytes, bool upper) {
    const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const uint8_t byte : bytes) {
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

/// What a property says, in text; several of one kind with blanks between.
std::string property_text(const mqtt::Publish& message, mqtt::PropertyId id) {
    std::string out;
    for (const mqtt::Property& p : mqtt::PropertyList(message.properties)) {
        if (p.id != id) continue;
        if (!out.empty()) out += ' ';
        if (id == mqtt::PropertyId::UserProperty)
            out += fmt::format("{}:{}", p.text, p.value);
        else
            out += p.text.empty() ? std::to_string(p.number) : std::string(p.text);
    }
    return out;
}

// --- JSON ---

void append_user_properties(std::string& out, Bytes properties) {
    out += "\"user-properties\":{";
    const char* comma = "";
    for (const mqtt::UserProperty& p : mqtt::UserProperties(properties)) {
        out += comma;
        append_json_text(out, p.name);
        out += ':';
        append_json_text(out, p.value);
        comma = ",";
    }
    out += '}';
}

bool is_text(mqtt::PropertyId id) {
    return id == mqtt::PropertyId::ContentType || id == mqtt::PropertyId::ResponseTopic ||
           id == mqtt::PropertyId::CorrelationData;
}

std::string json(const mqtt::Publish& message, ReceivedAt at, bool quoted) {
    const SplitTime time = split(at);
    std::string out = fmt::format(
        "{{\"tst\":\"{}.{:06}{}\",\"topic\":", local_time("%Y-%m-%dT%H:%M:%S", time.seconds),
        time.nanos / 1000, local_time("%z", time.seconds));
    append_json_text(out, message.topic);
    out += fmt::format(",\"qos\":{},\"retain\":{},\"payloadlen\":{}", int(message.qos),
                       int(message.retain), message.payload.size());
    if (message.packet_id.value != 0) out += fmt::format(",\"mid\":{}", message.packet_id.value);
    if (!message.properties.empty()) {
        out += ",\"properties\":";
        append_json_properties(out, message.properties);
    }
    out += ",\"payload\":";
    if (quoted)
        append_json_text(out, as_text(message.payload));
    else
        out += message.payload.empty() ? "null" : as_text(message.payload);
    return out + "}";
}

}  // namespace

void append_json_properties(std::string& out, Bytes properties) {
    const char* comma = "";
    bool told_user = false;
    out += '{';
    for (const mqtt::Property& p : mqtt::PropertyList(properties)) {
        const bool is_user = p.id == mqtt::PropertyId::UserProperty;
        if (is_user && std::exchange(told_user, true)) continue;
        out += std::exchange(comma, ",");
        if (is_user) {
            append_user_properties(out, properties);
            continue;
        }
        out += fmt::format("\"{}\":", property_name(p.id));
        if (is_text(p.id))
            append_json_text(out, p.text);
        else
            out += std::to_string(p.number);
    }
    out += '}';
}

// --- parsing ---

class MessageFormat::Parser {
public:
    explicit Parser(std::string_view format) : format_(format) {}

    Result<MessageFormat, std::string> parse() {
        while (at_ < format_.size()) {
            const char c = format_[at_++];
            const auto good = c == '%'    ? field()
                              : c == '@'  ? time()
                              : c == '\\' ? escape()
                                          : literal(c);
            if (!good) return Err{good.error()};
        }
        return std::move(made_);
    }

private:
    using Step = Result<Done, std::string>;

    std::optional<char> take() {
        if (at_ == format_.size()) return std::nullopt;
        return format_[at_++];
    }
    bool take_if(char c) {
        if (at_ == format_.size() || format_[at_] != c) return false;
        ++at_;
        return true;
    }

    Step literal(char c) {
        if (made_.pieces_.empty() || made_.pieces_.back().kind != Piece::Kind::Text)
            made_.pieces_.push_back({});
        made_.pieces_.back().text += c;
        return Done{};
    }

    Step fault(std::string_view what) const {
        return Err{fmt::format("the format \"{}\", at character {}: {}", format_, at_, what)};
    }

    Step escape() {
        constexpr std::string_view kLetters = "\\0aenrtv";
        constexpr std::string_view kCharacters{"\\\0\a\x1b\n\r\t\v", 8};
        const auto letter = take();
        if (!letter) return fault("a backslash at the end; write \\\\ for one");
        const size_t index = kLetters.find(*letter);
        if (index == std::string_view::npos) return fault("no such escape after a backslash");
        return literal(kCharacters[index]);
    }

    Step time() {
        const auto letter = take();
        if (!letter) return fault("an @ at the end; write @@ for one");
        if (*letter == '@') return literal('@');
        made_.pieces_.push_back({.kind = Piece::Kind::Time, .letter = *letter});
        return Done{};
    }

    std::optional<size_t> number() {
        size_t value = 0;
        while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9') {
            value = value * 10 + size_t(format_[at_++] - '0');
            if (value > kWidthMax) return std::nullopt;
        }
        return value;
    }

    Step field() {
        Piece piece{.kind = Piece::Kind::Field};
        piece.left = take_if('-');
        piece.zero = take_if('0') && !piece.left;
        piece.left = piece.left || (!piece.zero && take_if('-'));
        const auto width = number();
        if (!width) return fault("a width of more than 10000");
        piece.width = *width;
        if (take_if('.')) {
            piece.width_max = number();
            if (!piece.width_max) return fault("a width of more than 10000");
        }
        const auto letter = take();
        if (!letter) return fault("a % without its letter; write %% for one");
        if (kFields.find(*letter) == std::string_view::npos)
            return fault(fmt::format("no field %{}", *letter));
        if (*letter == '%') return literal('%');
        piece.letter = *letter;
        made_.needs_json_ = made_.needs_json_ || *letter == 'J';
        made_.pieces_.push_back(piece);
        return Done{};
    }

    std::string_view format_;
    size_t at_ = 0;
    MessageFormat made_;
};

Result<MessageFormat, std::string> MessageFormat::parse(std::string_view format) {
    return Parser(format).parse();
}

// --- printing ---

struct MessageFormat::Printer {
    const mqtt::Publish& message;
    ReceivedAt at;

    std::string property(mqtt::PropertyId id) const { return property_text(message, id); }

    std::string value(char letter) const {
        switch (letter) {
            case 'A':
                return message.topic_alias == 0 ? "" : std::to_string(message.topic_alias);
            case 'C':
                return property(mqtt::PropertyId::ContentType);
            case 'D':
                return property(mqtt::PropertyId::CorrelationData);
            case 'E':
                return property(mqtt::PropertyId::MessageExpiryInterval);
            case 'F':
                return property(mqtt::PropertyId::PayloadFormatIndicator);
            case 'P':
                return property(mqtt::PropertyId::UserProperty);
            case 'R':
                return property(mqtt::PropertyId::ResponseTopic);
            case 'S':
                return property(mqtt::PropertyId::SubscriptionIdentifier);
            case 'I':
                return local_time("%Y-%m-%dT%H:%M:%S%z", split(at).seconds);
            case 'U':
                return fmt::format("{}.{:09}", split(at).seconds, split(at).nanos);
            case 'j':
            case 'J':
                return json(message, at, letter == 'j');
            default:
                return plain(letter);
        }
    }

    std::string plain(char letter) const {
        switch (letter) {
            case 'l':
                return std::to_string(message.payload.size());
            case 'm':
                return std::to_string(message.packet_id.value);
            case 'q':
                return std::to_string(int(message.qos));
            case 'r':
                return message.retain ? "1" : "0";
            case 't':
                return std::string(message.topic);
            case 'p':
                return std::string(as_text(message.payload));
            default:
                return hex(message.payload, letter == 'X');
        }
    }

    std::string time(char letter) const {
        if (letter == 'N') return fmt::format("{:09}", split(at).nanos);
        const char format[] = {'%', letter, 0};
        return local_time(format, split(at).seconds);
    }

    void print(std::string& out, const Piece& piece) const {
        if (piece.kind == Piece::Kind::Text) return void(out += piece.text);
        if (piece.kind == Piece::Kind::Time) return void(out += time(piece.letter));
        std::string text = value(piece.letter);
        if (piece.width_max && kWithMaximum.find(piece.letter) != std::string_view::npos)
            text.resize(std::min(text.size(), *piece.width_max));
        const bool has_width = kWithWidth.find(piece.letter) != std::string_view::npos;
        const size_t fill = has_width && piece.width > text.size() ? piece.width - text.size() : 0;
        if (!piece.left) out.append(fill, piece.zero ? '0' : ' ');
        out += text;
        if (piece.left) out.append(fill, ' ');
    }
};

Result<Done, std::string> MessageFormat::print(std::string& out, const mqtt::Publish& message,
                                               ReceivedAt at) const {
    if (needs_json_ && !message.payload.empty() && !is_json(as_text(message.payload)))
        return Err{fmt::format("the payload on {} is not JSON, which %J wants; %j takes any",
                               message.topic)};
    const Printer printer{message, at};
    for (const Piece& piece : pieces_) printer.print(out, piece);
    return Done{};
}

}  // namespace godwit::client
