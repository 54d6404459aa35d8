// The list keeps order, lets a member leave from anywhere, and ends the process on misuse.
#include "base/intrusive_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ringlog {
namespace {

struct Item : ListNode {
    explicit Item(int item_value) : value(item_value) {}
    int value;
};

std::vector<int> values_of(IntrusiveList<Item>& list) {
    std::vector<int> values;
    for (Item* item = list.front(); item != nullptr; item = list.next(*item)) {
        values.push_back(item->value);
    }
    return values;
}

TEST(IntrusiveList, KeepsTheOrderOfPushing) {
    IntrusiveList<Item> list;
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.front(), nullptr);
    EXPECT_EQ(list.pop_front(), nullptr);
    Item a(1);
    Item b(2);
    list.push_back(a);
    list.push_back(b);
    EXPECT_THAT(values_of(list), testing::ElementsAre(1, 2));
    EXPECT_EQ(list.pop_front(), &a);
    EXPECT_FALSE(a.linked());
    EXPECT_EQ(list.pop_front(), &b);
    EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, AMemberLeavesFromAnyPlace) {
    IntrusiveList<Item> list;
    Item a(1);
    Item b(2);
    Item c(3);
    for (Item* item : {&a, &b, &c}) {
        list.push_back(*item);
    }
    b.unlink();
    EXPECT_THAT(values_of(list), testing::ElementsAre(1, 3));
    b.unlink();  // In no list: nothing happens.
    c.unlink();
    EXPECT_THAT(values_of(list), testing::ElementsAre(1));
    list.push_back(b);
    a.unlink();
    EXPECT_THAT(values_of(list), testing::ElementsAre(2));
    b.unlink();
}

TEST(IntrusiveList, AMemberMovesBetweenLists) {
    IntrusiveList<Item> one;
    IntrusiveList<Item> other;
    Item a(1);
    one.push_back(a);
    a.unlink();
    other.push_back(a);
    EXPECT_TRUE(one.empty());
    EXPECT_EQ(other.pop_front(), &a);
}

TEST(IntrusiveList, AMemberEntersBeforeAnotherAndIsFoundFromTheBack) {
    IntrusiveList<Item> list;
    EXPECT_EQ(list.back(), nullptr);
    Item a(1);
    Item b(2);
    Item c(3);
    list.push_back(c);
    list.insert_before(c, b);
    list.insert_before(b, a);
    EXPECT_THAT(values_of(list), testing::ElementsAre(1, 2, 3));
    EXPECT_EQ(list.back(), &c);
    EXPECT_EQ(list.previous(c), &b);
    EXPECT_EQ(list.previous(a), nullptr);
    while (list.pop_front() != nullptr) {
    }
    EXPECT_EQ(list.back(), nullptr);
}

TEST(IntrusiveListDeathTest, BeingInTwoListsEndsTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            IntrusiveList<Item> list;
            Item a(1);
            list.push_back(a);
            list.push_back(a);
        },
        "assertion failed: !node.linked");
}

TEST(IntrusiveListDeathTest, DestroyingAMemberInAListEndsTheProcess) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            IntrusiveList<Item> list;
            const Item a(1);
            list.push_back(const_cast<Item&>(a));
        },
        "assertion failed: !linked");
}

}  // namespace
}  // namespace ringlog
