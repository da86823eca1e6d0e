// Mutants: deliberate faults, to prove that tests see what they claim to see: the simulator
// (tests/sim/mutants.tsv), and the tests that tests/field/field.tsv names.
// They exist only where GODWIT_MUTANTS is defined (presets `dev` and `sim`); everywhere else
// GW_MUTANT(Name) is the constant false. At most one is active at a time, chosen at run time: by
// the simulator, or in test programs by the variable GODWIT_MUTANT (tests/field/choose_mutant.cpp).
//
// A mutant stands where the rule stands, as small as the rule allows:
//     if (is_unreleased(session, id) && !GW_MUTANT(SkipQos2Dedup)) return acknowledge_again(...);
#pragma once

#include <cstdint>
#include <string_view>

// X(Name, what it does wrong). Found by the simulator.
#define GW_MUTANTS(X)                                                                         \
    X(ForgetQos2IdOnResume, "a resumed session forgets which QoS 2 publishes it has taken")   \
    X(SkipQos2Dedup, "a QoS 2 publish that comes again is published again")                   \
    X(ForgetPubrec, "PUBREC from a subscriber leaves the message to be sent again")           \
    X(ResendWithNewId, "what is sent again after a resume gets a new packet identifier")      \
    X(ForgetInflightOnResume, "what was in flight is not sent again after a resume")          \
    X(IgnoreReceiveMaximum, "the client's Receive Maximum is not kept")                       \
    X(AckBeforeConfirmation, "PUBACK and PUBREC do not wait for the other shards")            \
    X(SubackBeforeRoutes, "SUBACK does not wait until every shard has the route")             \
    X(LoseOrderAcrossHop, "of two publishes to one shard in a turn, the later goes first")    \
    X(DropAcrossHop,                                                                          \
      "a publish for another shard is lost if its message is above QoS 0 and large")          \
    X(DropQos0BehindQueue, "a QoS 0 message is lost where QoS 1 and 2 wait")                  \
    X(TakeoverKeepsOldConnection, "a takeover does not close the old connection")             \
    X(CleanStartKeepsSession, "clean start does not end the old session")                     \
    X(SessionOutlivesExpiry, "a session does not end when its expiry has come")               \
    X(KeepWillOverConnections, "the will of an earlier connection stays when the next comes") \
    X(WillAfterDisconnect, "a will is published though the client said goodbye")              \
    X(WillIgnoresDelay, "a delayed will is published at once")                                \
    X(IgnoreMessageExpiry, "an expired message is delivered")                                 \
    X(OlderRetainedWins, "the retained value of a topic is not replaced")                     \
    X(KeepClearedRetained, "an empty retained message does not remove the value")             \
    X(LiveOvertakesRetained, "live messages do not wait for the retained ones before them")   \
    X(UnsubscribeKeepsTaker, "an unsubscribed session goes on getting messages")              \
    X(IgnoreNoLocal, "No Local is not looked at")                                             \
    X(OfferToOfflineMember, "a shared group feeds members that are offline")                  \
    X(ForgetReturnedMessage, "what a member gives back to its group is lost")                 \
    X(IgnoreKeepAlive, "a silent client is kept for ever")                                    \
    X(AckBeforeFlush, "PUBACK and PUBREC do not wait for the shard's own disk")               \
    X(ConfirmBeforeDisk, "a shard confirms another's publish before it is on its disk")       \
    X(SubackBeforeDisk, "SUBACK does not wait for the disk")                                  \
    X(PubcompBeforeDisk, "PUBCOMP does not wait for the disk")                                \
    X(PubrelBeforeDisk, "PUBREL does not wait for the disk")                                  \
    X(SendBeforeDisk, "a QoS 2 message leaves before its packet identifier is on disk")       \
    X(CleanStartBeforeDisk, "CONNACK does not wait until the old session is gone from disk")  \
    X(ForgetUnreleasedOnDisk, "which QoS 2 publishes were taken is not written")              \
    X(ForgetOwedOnDisk, "that a subscriber has a QoS 2 message is not written")               \
    X(ForgetSentId, "under which packet identifier a message was sent is not written")        \
    X(ForgetWillOnDisk, "a session is written without its will")                              \
    X(RetainedNotKept, "retained values are not written")                                     \
    X(KeepErased, "that an object is gone is not written")                                    \
    X(CrossingTwice, "a publish that crosses again after a restart is taken again")           \
    X(OvertakeCrossing, "a publish does not wait for an older one of its topic that crosses") \
    X(CrossingLost, "a publish that has not crossed is not posted after a restart")           \
    X(SkipChecksum, "the checksum of a record is not looked at")                              \
    X(SkipSync, "what was written is not synced")

// Found by the tests of tests/field/field.tsv.
#define GW_FIELD_MUTANTS(X)                                                              \
    X(AnyPacketLength, "a packet longer than the limit is waited for")                   \
    X(FiveByteLength, "a length may have five bytes")                                    \
    X(ReadPastEnd, "the length of a string is believed")                                 \
    X(EmptyTopic, "a topic may be empty without an alias")                               \
    X(AnyPacketFromClient, "a packet that only a server sends is passed over")           \
    X(AnyDepth, "a topic may have any number of levels")                                 \
    X(WildcardTakesDollar, "a wildcard in the first level stands for $ as well")         \
    X(AnyPropertyCount, "a packet may have any number of properties")                    \
    X(AnyReceiveWindow, "a client may have any number of publishes under way")           \
    X(ValuesHoldWildcards, "an identity with wildcards is filled into a rule as it is")  \
    X(PolicyKeepsSubscriptions, "a new policy is not asked about what is subscribed to") \
    X(PolicyKeepsRetained, "a new policy is not asked about what was retained")          \
    X(EmptyAclAllows, "where no rule is about something it is allowed")                  \
    X(FilesForEverybody, "files of the store are readable by everybody")                 \
    X(AnyRetainedCount, "a realm may keep any number of retained messages")              \
    X(AnyFrameLength, "a WebSocket frame may have any length")                           \
    X(AuthQueueWithoutEnd, "any number of logins wait for a verdict")                    \
    X(MemoryNeverScarce, "it is not looked at how much memory is left")                  \
    X(FreeMemoryKept, "what a storm of connections has held is not given back")          \
    X(FullQueueAcknowledges,                                                             \
      "a publish that a full queue drops is acknowledged as if it were not")             \
    X(UnreadAnswersPileUp, "who does not read its answers is read all the same")         \
    X(FlappingAllowed, "a client id may be taken over at any rate")                      \
    X(EverybodyAdmitted, "an address may call at any rate")                              \
    X(FilesNeverChange, "a certificate that is replaced is not noticed")                 \
    X(TokensNeverExpire, "a connection outlives its token")                              \
    X(EventsForgotten, "what happened to a client is not kept")

namespace godwit {

enum class Mutant : uint8_t {
    None,
#define GW_NAME(name, what) name,
    GW_MUTANTS(GW_NAME) GW_FIELD_MUTANTS(GW_NAME)
#undef GW_NAME
};

#ifdef GODWIT_MUTANTS
/// Set before a broker is made, left alone while it lives.
inline Mutant active_mutant = Mutant::None;
#define GW_MUTANT(name) (::godwit::active_mutant == ::godwit::Mutant::name)
#else
#define GW_MUTANT(name) (false && ::godwit::Mutant::name == ::godwit::Mutant::None)
#endif

}  // namespace godwit
