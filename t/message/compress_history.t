#!/usr/bin/perl

# A compressed stream decompresses to the bytes that a device without
# compression gets, for any dictionary: all events or some, from the log or
# live, with pings between, on each transport.  Recent events make later ones
# short, unless the dictionary is off.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);
my @codings = qw(gzip deflate identity);

my $t = Pimap->new(workers => 2);
$t->nginx()->{http} = 'pimap_ping 1s min=1s;'
    . ($ENV{PIMAP_HTTP} ? '' : ' pimap_hibernate on;');
$t->nginx()->{locations} .= <<'END';
        location = /alone {
            pimap_account $arg_account;
            pimap_compress_dictionary off;
            pimap_events;
        }
END
$t->plan(6 * @transports + 3 * @codings + 44);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my @corpus = corpus();

sub corpus {
    open(my $fh, '<:raw', '../bench/corpus.ndjson') or die("corpus: $!");
    chomp(my @lines = readline($fh));

    return @lines;
}

sub park {
    my ($account, $coding, %set) = @_;
    my $s = $t->park($account, %set, headers => {
        'Accept-Encoding' => $coding, %{ $set{headers} // {} } });

    $s->read_until(qr/: parked\n.*\n\n/);

    return $s;
}

sub texts { return join("\n", map { ref($_) ? $_->{data} : $_ } @_) }

sub name { return $_[0] =~ /"event":"(\w+)"/ ? $1 : 'state' }


# Many events, with pings between, on each transport.

my $start = time();
my @s = map { park('alice', 'gzip', transport => $_) } @transports;
my ($plain, $deflate, $clock) = map { park('alice', $_) }
    qw(identity deflate identity);

$t->subscribed('alice', 1);

for my $part (0 .. 3) {
    $redis->log('alice', $_) for @corpus[50 * $part .. 50 * $part + 49];
    $clock->read_until(qr/event: ping.*?\n\n/s);
}

my $all = texts(@corpus[0 .. 199]);
my $pings = 40 * (time() - $start);             # bytes, one a second

ok(texts($plain->events(200)) eq $all, 'identity: many events');
ok(texts($deflate->events(200)) eq $all, 'deflate: many events');

for my $n (0 .. $#s) {
    ok(texts($s[$n]->events(200)) eq $all, "$transports[$n]: many events");
    cmp_ok($s[$n]->{packed}, '<', 0.42 * length($all) + $pings,
        "$transports[$n]: few bytes");
    is($s[$n]->{stream}, 'open', "$transports[$n]: the stream continues");
}

$_->close() for @s, $plain, $deflate, $clock;

# Devices of an account with different filters.

my %wanted = ('' => qr/./, 'events=MessageNew' => qr/^MessageNew$/,
    'events=MessageRead,FlagsSet' => qr/^(?:MessageRead|FlagsSet)$/);

for my $coding (@codings) {
    my %parked = map { $_ => park('bob', $coding, query => $_) }
        sort(keys(%wanted));

    $t->subscribed('bob', 1);
    $redis->publish('bob', $_) for @corpus[0 .. 99];

    for my $filter (sort(keys(%wanted))) {
        my @expected = grep { name($_) =~ $wanted{$filter} }
            @corpus[0 .. 99];

        ok(texts($parked{$filter}->events(scalar(@expected))) eq
            texts(@expected), "$coding: filter '$filter'");
        $parked{$filter}->close();
    }
}

# A device leaves and resumes: from the log, then live with the others.

my @carol = map { park('carol', 'gzip', query => 'ping=0') } 1 .. 9;

$t->subscribed('carol', 1);
$redis->log('carol', $_) for @corpus[0 .. 19];
ok(texts($_->events(20)) eq texts(@corpus[0 .. 19]),
    'all devices get the first events') for @carol;

my $gone = pop(@carol);

$gone->close();
$redis->log('carol', $_) for @corpus[20 .. 59];

my $epoch = $redis->log('carol', $corpus[60]) =~ s/-\d+\z//r;
my $back = park('carol', 'gzip', query => 'ping=0',
    headers => { 'Last-Event-ID' => "$epoch-20" });

ok(texts($back->events(41)) eq texts(@corpus[20 .. 60]),
    'a device resumes: from the log');
$redis->log('carol', $_) for @corpus[61 .. 79];
ok(texts($back->events(19)) eq texts(@corpus[61 .. 79]),
    'a device resumes: live');

ok(texts($_->events(60)) eq texts(@corpus[20 .. 79]),
    'the other devices get all events')
    for @carol;

# Its dictionary now equals that of the others.

my $before = $t->status()->{compression};

$redis->log('carol', $_) for @corpus[80 .. 99];
ok(texts($_->events(20)) eq texts(@corpus[80 .. 99]),
    'all devices get the next events')
    for @carol, $back;

my $after = $t->status()->{compression};

cmp_ok($after->{messages} - $before->{messages}, '<=', 2 * 20,
    'an equal dictionary: each worker compresses once');

# An event that is too long is not in the dictionary; earlier ones still are.

my $long = '{"event":"Long","text":"'
    . join(' ', map { $_ * $_ * 7919 } 1 .. 300) . '"}';
my $s = park('dave', 'gzip', query => 'ping=0');

$t->subscribed('dave');

cmp_ok(size('dave', $s, $corpus[0]), '>', 200, 'the first event is long');
cmp_ok(size('dave', $s, $corpus[0]), '<', 100,
    'the same event again is short');

my $first = size('dave', $s, $long);

cmp_ok(size('dave', $s, $long), '>', $first - 50,
    'a long event again: not in the dictionary');
cmp_ok(size('dave', $s, $corpus[0]), '<', 100,
    'an event before the long one is short');

for my $n (1 .. 3) {
    $redis->publish('dave', $long);
    $s->events(1);
}

cmp_ok(size('dave', $s, $corpus[0]), '>', 200,
    'after several long events it is long again');

# pimap_compress_dictionary off: the size of an event tells nothing of others.

$s = park('erin', 'gzip', path => '/alone', query => 'ping=0');
$t->subscribed('erin');

my @sizes = map { size('erin', $s, $_) } @corpus[0, 0, 1, 0];

is($sizes[1], $sizes[0], 'no dictionary: the same event has the same size');
is($sizes[3], $sizes[0], 'no dictionary: nor has an older event an effect');

# The same in the answer to a long poll, which has several events.

cmp_ok(poll('gina', '/alone', @corpus[0, 0]) - poll('gina', '/alone',
    $corpus[0]), '>', 200,
    'no dictionary: nor has an event of the same answer');
cmp_ok(poll('gina', '/events', @corpus[0, 0]) - poll('gina', '/events',
    $corpus[0]), '<', 100, 'a dictionary: it has');

# The response to a POST with an open body.

my @mail = grep { /^\{"event"/ } @corpus[0 .. 99];

for my $transport (@transports) {
    my $d = $t->duplex('frank', transport => $transport,
        headers => { 'Accept-Encoding' => 'gzip' });

    is($d->header('Content-Encoding'), 'gzip', "duplex $transport: coding");
    $d->json();
    $t->subscribed('frank');
    $d->say({ id => $transport, update => 'x' });
    is($d->json()->{event}, 'accepted', "duplex $transport: answered");

    $redis->publish('frank', $_) for @mail;

    my @got = map { $d->json() } @mail;

    is_deeply([map { delete $_->{id}; $_ } @got],
        [map { JSON::PP->new->utf8->decode($_) } @mail],
        "duplex $transport: events");
    $d->close();
}

# The compressed size of an answer with these events.

sub poll {
    my ($account, $path, @events) = @_;

    my $id = $redis->log($account, { event => 'MessageNew' });

    $redis->log($account, $_) for @events;

    my $s = $t->request('GET', "$path?account=$account&last-event-id=$id",
        headers => { Accept => 'application/json', Connection => 'close',
            'Accept-Encoding' => 'gzip' });

    is(scalar(() = $s->body() =~ /"event"/g), @events, 'a poll with events');

    return $s->{packed};
}

# The compressed size of an event.

sub size {
    my ($account, $s, $event) = @_;
    my $bytes = $s->{packed};

    $redis->publish($account, $event);
    $s->events(1);

    return $s->{packed} - $bytes;
}
