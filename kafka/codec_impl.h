// The definitions of Codec<T> for schema structs, from their `fields`. Included only by the source
// file of each message, which instantiates them: `template struct Codec<T>;`.
#pragma once

#include <optional>
#include <type_traits>

#include "kafka/codec.h"
#include "kafka/list.h"

namespace ringlog::kafka::detail {

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// One value, null allowed or not; null only exists for optional types.
template <typename T>
void read_value(Reader& reader, T& value, bool nullable) {
    if constexpr (kIsOptional<T>) {
        using Inner = typename T::value_type;
        Codec<Inner>::read_nullable(reader, value);
        if (!value && !nullable) {
            reader.fail(DecodeError::null_not_allowed);
        }
    } else {
        Codec<T>::read(reader, value);
    }
}

template <typename T>
void write_value(Writer& writer, const T& value, bool nullable) {
    if constexpr (kIsOptional<T>) {
        using Inner = typename T::value_type;
        if (value) {
            Codec<Inner>::write(writer, *value);
        } else if (nullable) {
            Codec<Inner>::write_null(writer);
        } else {
            writer.fail();
        }
    } else {
        Codec<T>::write(writer, value);
    }
}

/// Reads the plain fields in order.
struct FieldReader {
    Reader& reader;

    template <typename T>
    void field(T& value, Versions versions = {}, Versions nullable = {}) {
        if (versions.contains(reader.version())) {
            read_value(reader, value, nullable.contains(reader.version()));
        }
    }
    template <typename T>
    void tagged(uint32_t, T&, Versions, const std::type_identity_t<T>&) {}
};

/// Reads the one tagged field that has the number `tag`, if this version has it.
struct TagReader {
    Reader& reader;
    uint32_t tag;
    uint32_t size;
    bool found = false;

    template <typename T>
    void field(T&, Versions = {}, Versions = {}) {}
    template <typename T>
    void tagged(uint32_t number, T& value, Versions versions, const std::type_identity_t<T>&) {
        if (number == tag && versions.contains(reader.version())) {
            found = true;
            const std::byte* end = reader.narrow(size);
            read_value(reader, value, true);
            reader.widen(end);
        }
    }
};

struct FieldWriter {
    Writer& writer;

    template <typename T>
    void field(const T& value, Versions versions = {}, Versions nullable = {}) {
        if (versions.contains(writer.version())) {
            write_value(writer, value, nullable.contains(writer.version()));
        }
    }
    template <typename T>
    void tagged(uint32_t, const T&, Versions, const std::type_identity_t<T>&) {}
};

/// Counts the tagged fields that are written: those that differ from their default.
struct TagCounter {
    int16_t version;
    uint32_t count = 0;

    template <typename T>
    void field(const T&, Versions = {}, Versions = {}) {}
    template <typename T>
    void tagged(uint32_t, const T& value, Versions versions,
                const std::type_identity_t<T>& preset) {
        if (versions.contains(version) && !(value == preset)) {
            ++count;
        }
    }
};

struct TagWriter {
    Writer& writer;

    template <typename T>
    void field(const T&, Versions = {}, Versions = {}) {}
    template <typename T>
    void tagged(uint32_t number, const T& value, Versions versions,
                const std::type_identity_t<T>& preset) {
        if (versions.contains(writer.version()) && !(value == preset)) {
            writer.write_uvarint(number);
            const size_t begun = writer.bytes().size();
            write_value(writer, value, true);
            writer.insert_size(begun);
        }
    }
};

struct BoundVisitor {
    Wire wire;
    SizeBound sum;

    template <typename T>
    void field(const T&, Versions versions = {}, Versions = {}) {
        if (versions.contains(wire.version)) {
            add(bound_of<T>());
        }
    }
    template <typename T>
    void tagged(uint32_t, const T&, Versions, const std::type_identity_t<T>&) {}

    void add(SizeBound part) {
        sum.smallest += part.smallest;
        sum.fixed = sum.fixed && part.fixed;
    }

private:
    template <typename T>
    [[nodiscard]] SizeBound bound_of() const {
        if constexpr (kIsOptional<T>) {
            return Codec<typename T::value_type>::bound(wire);
        } else {
            return Codec<T>::bound(wire);
        }
    }
};

template <typename T>
void read_tags(Reader& reader, T& value) {
    int64_t previous = -1;
    for (uint32_t left = reader.read_tag_count(); left > 0 && reader.ok(); --left) {
        const uint32_t tag = reader.read_uvarint();
        if (int64_t{tag} <= previous) {
            reader.fail(DecodeError::tags_not_ascending);
            return;
        }
        previous = tag;
        TagReader visitor{.reader = reader, .tag = tag, .size = reader.read_uvarint()};
        T::fields(value, visitor);
        if (!visitor.found) {
            reader.skip(visitor.size);
        }
    }
}

}  // namespace ringlog::kafka::detail

namespace ringlog::kafka {

template <typename T>
void Codec<T>::read(Reader& reader, T& value) {
    detail::FieldReader visitor{reader};
    T::fields(value, visitor);
    if (reader.flexible()) {
        detail::read_tags(reader, value);
    }
}

template <typename T>
void Codec<T>::write(Writer& writer, const T& value) {
    detail::FieldWriter visitor{writer};
    T::fields(value, visitor);
    if (writer.flexible()) {
        detail::TagCounter counter{.version = writer.version()};
        T::fields(value, counter);
        writer.write_uvarint(counter.count);
        detail::TagWriter tags{writer};
        T::fields(value, tags);
    }
}

template <typename T>
SizeBound Codec<T>::bound(Wire wire) {
    detail::BoundVisitor visitor{.wire = wire, .sum = {}};
    const T preset{};
    T::fields(preset, visitor);
    if (wire.flexible) {
        visitor.add({.smallest = 1, .fixed = false});
    }
    return visitor.sum;
}

}  // namespace ringlog::kafka
