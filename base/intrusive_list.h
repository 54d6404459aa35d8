// A doubly linked list through its members: no allocation, removal from the middle in constant
// time. One core.
#pragma once

#include <cstddef>

#include "base/assert.h"

namespace ringlog {

/// Derive from this to be in one IntrusiveList at a time. A node must leave its list before it is
/// destroyed.
class ListNode {
public:
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { RL_ASSERT(!linked()); }

    [[nodiscard]] bool linked() const { return next_ != nullptr; }

    /// Leaves the list; does nothing if in none.
    void unlink() {
        if (linked()) {
            previous_->next_ = next_;
            next_->previous_ = previous_;
            next_ = previous_ = nullptr;
        }
    }

private:
    template <typename T>
    friend class IntrusiveList;

    ListNode* next_ = nullptr;
    ListNode* previous_ = nullptr;
};

/// A list of T, each derived from ListNode. It owns nothing; it must be empty when it is destroyed.
template <typename T>
class IntrusiveList {
public:
    IntrusiveList() { root_.next_ = root_.previous_ = &root_; }
    IntrusiveList(const IntrusiveList&) = delete;
    IntrusiveList& operator=(const IntrusiveList&) = delete;
    ~IntrusiveList() {
        RL_ASSERT(empty());
        root_.next_ = root_.previous_ = nullptr;
    }

    [[nodiscard]] bool empty() const { return root_.next_ == &root_; }

    void push_back(T& item) {
        ListNode& node = item;
        RL_ASSERT(!node.linked());
        node.previous_ = root_.previous_;
        node.next_ = &root_;
        root_.previous_->next_ = &node;
        root_.previous_ = &node;
    }

    void push_front(T& item) {
        ListNode& node = item;
        RL_ASSERT(!node.linked());
        node.next_ = root_.next_;
        node.previous_ = &root_;
        root_.next_->previous_ = &node;
        root_.next_ = &node;
    }

    [[nodiscard]] T* front() { return empty() ? nullptr : static_cast<T*>(root_.next_); }

    T* pop_front() {
        T* item = front();
        if (item != nullptr) {
            static_cast<ListNode*>(item)->unlink();
        }
        return item;
    }

    [[nodiscard]] T* back() { return empty() ? nullptr : static_cast<T*>(root_.previous_); }

    /// Puts `item` right before `at`, which is in this list.
    void insert_before(T& at, T& item) {
        ListNode& node = item;
        ListNode& behind = at;
        RL_ASSERT(!node.linked() && behind.linked());
        node.previous_ = behind.previous_;
        node.next_ = &behind;
        behind.previous_->next_ = &node;
        behind.previous_ = &node;
    }

    /// The item before `item`, or nullptr at the start.
    [[nodiscard]] T* previous(T& item) {
        ListNode* node = static_cast<ListNode&>(item).previous_;
        return node == &root_ ? nullptr : static_cast<T*>(node);
    }

    /// The item behind `item`, or nullptr at the end.
    [[nodiscard]] T* next(T& item) {
        ListNode* node = static_cast<ListNode&>(item).next_;
        return node == &root_ ? nullptr : static_cast<T*>(node);
    }

private:
    ListNode root_;
};

}  // namespace ringlog
