#include "broker/homes.h"

namespace godwit::broker {

uint64_t Homes::client_hash(RealmId realm, std::string_view client_id) const {
    return mix_hash(keyed_hash(as_bytes(client_id), key), realm.value + 1u);
}

ShardId Homes::of_client(RealmId realm, std::string_view client_id) const {
    return {uint16_t(client_hash(realm, client_id) % shard_count)};
}

ShardId Homes::of_topic(RealmId realm, std::string_view topic) const {
    return of_client(realm, topic);
}

ShardId Homes::of_group(const GroupKey& group) const {
    const uint64_t share = keyed_hash(as_bytes(group.share), key);
    return {uint16_t(mix_hash(share, client_hash(group.realm, group.filter)) % shard_count)};
}

}  // namespace godwit::broker
