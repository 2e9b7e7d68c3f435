#!/usr/bin/perl

# An invalid payload in Redis is dropped and counted.  Devices see the next
# good event.  The log has a single line for all of them, without the text.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $deep = '{"event":"MessageNew","x":' . '[' x 32 . ']' x 32 . '}';

my @bad = (
    ['empty', ''],
    ['space', " \n"],
    ['text', 'confidential'],
    ['half an object', '{"event":"MessageNew"'],
    ['text behind it', '{"event":"MessageNew"} x'],
    ['two objects', '{"event":"MessageNew"}{"event":"MessageNew"}'],
    ['single quotes', "{'event':'MessageNew'}"],
    ['a trailing comma', '{"event":"MessageNew",}'],
    ['an array', '["MessageNew"]'],
    ['a string', '"MessageNew"'],
    ['a number', '5'],
    ['null', 'null'],
    ['no event', '{"mailbox":"confidential"}'],
    ['an empty object', '{}'],
    ['event is a number', '{"event":1}'],
    ['event is null', '{"event":null}'],
    ['event is empty', '{"event":""}'],
    ['a line feed in the event', '{"event":"Message\nNew"}'],
    ['a space in the event', '{"event":"Message New"}'],
    ['too long an event', '{"event":"' . 'x' x 65 . '"}'],
    ['a reserved event', '{"event":"superseded"}'],
    ['ping', '{"event":"ping"}'],
    ['an unknown @type', '{"@type":"PushVerification"}'],
    ['no changed', '{"@type":"StateChange"}'],
    ['odd changed', '{"@type":"StateChange","changed":{"a":1}}'],
    ['mailbox is a number', '{"event":"MessageNew","mailbox":1}'],
    ['duplicate event', '{"event":"MessageNew","event":"FlagsSet"}'],
    ['duplicate deep inside', '{"event":"MessageNew","x":[{"a":1,"a":2}]}'],
    ['a lone byte', qq({"event":"MessageNew","x":"\xff"})],
    ['half a character', qq({"event":"MessageNew","x":"\xc3"})],
    ['overlong UTF-8', qq({"event":"MessageNew","x":"\xc0\xaf"})],
    ['a surrogate', qq({"event":"MessageNew","x":"\xed\xa0\x80"})],
    ['a lone escaped surrogate', '{"event":"MessageNew","x":"\ud800"}'],
    ['a zero byte', qq({"event":"MessageNew"\0})],
    ['a raw line feed', qq({"event":"MessageNew","x":"a\nb"})],
    ['too deep', $deep],
    ['too deep an array', '[' x 100_000],
    ['too large', '{"event":"MessageNew","x":"' . 'y' x 5_000 . '"}'],
    ['too large a number', '{"event":"MessageNew","x":99999999999999999999}'],
    ['an id of zero', '0-1 {"event":"MessageNew"}'],
    ['an id without a number', '1- {"event":"MessageNew"}'],
    ['an id with zeros', '01-1 {"event":"MessageNew"}'],
    ['an id beyond 64 bits', '1-99999999999999999999 {"event":"MessageNew"}'],
    ['an id without a space', '1-1{"event":"MessageNew"}'],
    ['an id alone', '1-1'],
    ['an id and no event', '1-1 {}'],
    ['an unknown control message', '!reboot'],
    ['an empty control message', '!'],
    ['a broken control message', '!supersede xyz phone'],
    ['a control message without a device', '!supersede 0000000000000001 '],
    ['a control message out of range',
        '!present 99999999999999999999 1 phone'],
);

my $t = Pimap->new(http => 'pimap_max_event 4k;');
$t->plan(2 * @bad + 8);
$t->run();

my $redis = $t->redis();
my $s = $t->park('alice', query => 'device=phone');

$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');

# The device's own control message counts as received, too.

my $count = $t->status()->{events}{invalid};
my $n = 0;

is($count, 0, 'nothing invalid yet');

for (@bad) {
    my ($name, $payload) = @$_;

    $redis->publish('alice', $payload);
    $redis->publish('alice', { event => 'FlagsSet', n => ++$n });

    is(($s->event() // {})->{json}{n}, $n, "$name: the next event comes");
    is($t->status()->{events}{invalid}, $n, "$name: counted");
}

my @lines = grep { /invalid payload/ } split(/\n/, $t->log());

is(scalar(@lines), 1, 'the log has a single line for all of them');
like($lines[0], qr/\[error\].*pimap dropped invalid payload: \S/,
    'it has the reason');
like($lines[0], qr/account "alice"/, 'it has the account');
unlike($t->log(), qr/confidential/, 'it has no text of the event');
is(scalar(grep { /\[(?:error|warn)\]/ } split(/\n/, $t->log())), 1,
    'the log has no other error or warning');

# Almost invalid.

my $fits = '{"event":"MessageNew","x":' . '[' x 31 . ']' x 31 . '}';

$redis->publish('alice', $fits);
is(($s->event() // {})->{data}, $fits,
    'an event of the greatest depth is delivered');
is($t->status()->{parked}, 1, 'the device is still parked');
