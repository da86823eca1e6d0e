#include "broker/session/topic_aliases.h"

namespace godwit::broker {

Result<std::string_view, AliasError> AliasesIn::resolve(uint16_t alias, std::string_view topic,
                                                        uint16_t maximum) {
    if (alias == 0 || alias > maximum) return Err{AliasError::OutOfRange};
    if (alias > topics_.size()) {
        if (topic.empty()) return Err{AliasError::Unknown};
        topics_.resize(alias);
    }
    std::string& known = topics_[alias - 1u];
    if (!topic.empty()) known = topic;
    if (known.empty()) return Err{AliasError::Unknown};
    return std::string_view(known);
}

uint64_t AliasesIn::bytes() const {
    uint64_t sum = 0;
    for (const std::string& topic : topics_) sum += topic.size();
    return sum;
}

AliasesOut::Use AliasesOut::use(std::string_view topic) {
    if (maximum_ == 0) return {};
    const auto known = aliases_.find(std::string(topic));
    if (known != aliases_.end()) return {known->second, false};
    if (aliases_.size() >= maximum_) return {};
    const auto alias = uint16_t(aliases_.size() + 1);
    aliases_.emplace(topic, alias);
    return {alias, true};
}

}  // namespace godwit::broker
