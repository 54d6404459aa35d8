#!/bin/sh
# Records the golden bytes of tests/unit/kafka/golden/ with Kafka's own client library, once per library version, and
# fails if two library versions disagree on a message. Needs Maven and a JDK (17 or newer).
# Usage: tools/record_golden/record_golden.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/build/record_golden"
golden="$root/tests/unit/kafka/golden"
mkdir -p "$work" "$golden"

# The newest line first: its output is what is kept. The older one still speaks every version that the newer one dropped.
for version in 4.3.0 3.9.1; do
    lib="$work/lib-$version"
    if [ ! -d "$lib" ]; then
        mvn -q -B -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$lib.part"
        mv "$lib.part" "$lib"
    fi
    rm -rf "$work/classes-$version" "$work/src-$version"
    cp -r "$here/src" "$work/src-$version"
    if [ "$version" = 3.9.1 ]; then # before the record classes moved to a package of their own
        sed -i 's/common\.record\.internal\./common.record./' "$work/src-$version/Samples.java"
    fi
    javac -nowarn -d "$work/classes-$version" -cp "$lib/*" "$work/src-$version"/*.java
    java -cp "$work/classes-$version:$lib/*" RecordGolden messages > "$work/messages-$version.txt"
    java -cp "$work/classes-$version:$lib/*" RecordGolden errors > "$work/errors-$version.txt"
done
cmp "$work/messages-4.3.0.txt" "$work/messages-3.9.1.txt"
cp "$work/messages-4.3.0.txt" "$golden/messages.txt"
cp "$work/errors-4.3.0.txt" "$golden/errors.txt"
wc -l "$golden/messages.txt" "$golden/errors.txt"
