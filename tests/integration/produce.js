// Produces the lines of a file, line i to partition i modulo the partitions. Usage: node produce.js ADDRESS TOPIC FILE PARTITIONS
const fs = require('fs');
const { Kafka, logLevel } = require('kafkajs');

const [address, topic, path, partitions] = process.argv.slice(2);
const lines = fs.readFileSync(path, 'latin1').split('\n').map((line) => Buffer.from(line, 'latin1'));

async function main() {
    const kafka = new Kafka({ clientId: 'corpus', brokers: [address], logLevel: logLevel.ERROR });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (let begin = 0; begin < lines.length; begin += 1000) {
        const messages = lines.slice(begin, begin + 1000)
            .map((value, i) => ({ value, partition: (begin + i) % Number(partitions) }));
        await producer.send({ topic, acks: -1, messages });
    }
    await producer.disconnect();
}

main().catch((error) => {
    console.error(error);
    process.exit(1);
});
