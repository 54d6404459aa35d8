// An array of a message: built from values when writing, a checked view of the message's bytes when
// read. Any core. Explained in docs/protocol.md, "Bytes that are not trusted".
#pragma once

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "kafka/codec.h"

namespace ringlog::kafka {

/// An array field. Two forms, equal to whoever iterates:
/// - owned: values that were pushed, to be written;
/// - read: a view of the message's bytes, which were checked to the last element when the message
/// was decoded; elements are
///   decoded again, one at a time, as the iteration meets them. Reading an array therefore never
///   allocates, whatever count a peer declares.
/// Iterate with `for (const T& element : list)`: the reference is valid until the next step.
template <typename T>
class List {
public:
    class Iterator {
    public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;

        const T& operator*() const { return owned_ != nullptr ? *owned_ : current_; }
        const T* operator->() const { return &**this; }
        Iterator& operator++() {
            --left_;
            if (owned_ != nullptr) {
                ++owned_;
            } else {
                load();
            }
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const Iterator& it, std::default_sentinel_t) {
            return it.left_ == 0;
        }

    private:
        friend class List;
        Iterator(const T* owned, size_t count) : owned_(owned), left_(count), reader_(ByteView{}) {}
        Iterator(Reader reader, size_t count) : left_(count), reader_(reader) { load(); }
        void load() {
            if (left_ > 0) {
                current_ = T{};
                Codec<T>::read(reader_, current_);
                left_ = reader_.ok() ? left_ : 0;
            }
        }

        const T* owned_ = nullptr;
        size_t left_ = 0;
        Reader reader_;
        T current_{};
    };

    List() = default;
    List(std::initializer_list<T> values) : owned_(values) {}
    List(std::vector<T> values) : owned_(std::move(values)) {}  // NOLINT: a list is made of values

    [[nodiscard]] size_t size() const { return read_count_ > 0 ? read_count_ : owned_.size(); }
    [[nodiscard]] bool empty() const { return size() == 0; }
    [[nodiscard]] Iterator begin() const {
        return read_count_ > 0 ? Iterator(Reader(read_bytes_, read_wire_), read_count_)
                               : Iterator(owned_.data(), owned_.size());
    }
    [[nodiscard]] std::default_sentinel_t end() const { return {}; }

    /// The values of an owned list, to be changed before writing; empty for one that was read.
    [[nodiscard]] std::vector<T>& values() { return owned_; }
    T& push_back(T value) {
        owned_.push_back(std::move(value));
        return owned_.back();
    }
    void reserve(size_t count) { owned_.reserve(count); }
    /// Copies the elements (their views still point into the message). For tests and clients:
    /// allocates.
    [[nodiscard]] std::vector<T> to_vector() const {
        std::vector<T> values;
        values.reserve(size());
        for (const T& value : *this) {
            values.push_back(value);
        }
        return values;
    }

    friend bool operator==(const List& left, const List& right) {
        if (left.size() != right.size()) {
            return false;
        }
        auto other = right.begin();
        for (const T& value : left) {
            if (!(value == *other)) {
                return false;
            }
            ++other;
        }
        return true;
    }

private:
    friend struct Codec<List>;

    std::vector<T> owned_;
    ByteView read_bytes_;    ///< Exactly the elements, without their count.
    size_t read_count_ = 0;  ///< Elements in read_bytes_; 0 for an owned (or empty) list.
    Wire read_wire_;
};

template <typename T>
struct Codec<List<T>> {
    static void read(Reader& reader, List<T>& value) {
        std::optional<List<T>> list;
        read_nullable(reader, list);
        if (!list) {
            reader.fail(DecodeError::null_not_allowed);
            return;
        }
        value = std::move(*list);
    }

    /// Checks every element and keeps a view of them.
    static void read_nullable(Reader& reader, std::optional<List<T>>& value) {
        const SizeBound bound = Codec<T>::bound(reader.wire());
        const auto count = reader.read_count(bound.smallest);
        value.reset();
        if (!count) {
            return;
        }
        const size_t begin = reader.position();
        const std::byte* from = reader.take(0);
        if (bound.fixed) {
            reader.skip(size_t{*count} * bound.smallest);
        } else {
            reader.charge_elements(*count);
            for (uint32_t left = *count; left > 0 && reader.ok(); --left) {
                T element{};
                Codec<T>::read(reader, element);
            }
        }
        if (!reader.ok()) {
            return;
        }
        value.emplace();
        value->read_bytes_ = {from, reader.position() - begin};
        value->read_count_ = *count;
        value->read_wire_ = reader.wire();
    }

    static void write(Writer& writer, const List<T>& value) {
        writer.write_count(value.size());
        for (const T& element : value) {
            Codec<T>::write(writer, element);
        }
    }
    static void write_null(Writer& writer) { writer.write_null_bytes(); }
    static SizeBound bound(Wire wire) {
        return {.smallest = wire.flexible ? 1U : 4U, .fixed = false};
    }
};

}  // namespace ringlog::kafka
