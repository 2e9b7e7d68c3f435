#!/usr/bin/perl

# A publisher that does not know whether its request arrived sends it again:
# with an Idempotency-Key, the events are published once.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);

$t->plan(33);
$t->run();
$t->wait_ready();

my %s = map { $_ => $t->park($_) } qw(alice bob);

$t->subscribed($_) for keys(%s);

sub mail { return { event => 'MessageNew', uid => $_[0] } }

sub publish {
    my ($account, $event, $key) = @_;

    return $t->publish($account, $event, defined $key
        ? (headers => { 'Idempotency-Key' => $key }) : ());
}

sub uids {
    my ($s, $n) = @_;
    return join(' ', map { $_->{json}{uid} } $s->events($n));
}

# Without a key, each request publishes.

my $answer = publish('alice', mail(1));

is($answer->{status}, 200, 'published');
is_deeply([sort(keys(%{ $answer->{json} }))], ['id', 'receivers'],
    'the answer has the id and the receivers');
is($answer->{json}{receivers}, 1, 'a worker has received it');

my $event = $s{alice}->event();

is($event->{id}, $answer->{json}{id}, 'the device gets the same id');
isnt(publish('alice', mail(1))->{json}{id}, $answer->{json}{id},
    'sent again without a key: another id');
is(uids($s{alice}, 1), '1', 'the event is delivered again');
is(publish('nobody', mail(1))->{json}{receivers}, 0,
    'an account without a device: no receivers');
like(publish('nobody', mail(1))->{json}{id}, qr/^\d+-2$/,
    'the event is in the log');

# With a key.

$answer = publish('alice', mail(2), 'key-2');
is($answer->{json}{receivers}, 1, 'with a key');

for (1 .. 3) {
    my $again = publish('alice', mail(2), 'key-2');

    is($again->{status}, 200, "sent again, $_");
    is($again->{json}{id}, $answer->{json}{id}, "the same id, $_");
}

publish('alice', mail(3), 'key-3');
is(uids($s{alice}, 2), '2 3',
    'the event is delivered once, then the next event');
is(publish('alice', mail(99), 'key-2')->{json}{id}, $answer->{json}{id},
    'the same key with another event: the first id');
isnt(publish('bob', mail(2), 'key-2')->{json}{id}, $answer->{json}{id},
    'the same key of another account: another id');
is(uids($s{bob}, 1), '2', 'delivered to the other account');
is(publish('bob', '{', 'key-4')->{status}, 400, 'a bad event is refused');
is(publish('bob', mail(4), 'key-4')->{status}, 200, 'its key is still unused');
is(uids($s{bob}, 1), '4', 'the good event is delivered');

# Several events in a request: sent again, only missing events are published.

sub lines {
    my ($key, @uids) = @_;

    return $t->post('/publish?account=bob',
        join('', map { $t->json(mail($_)) . "\n" } @uids), headers => {
            'Content-Type' => 'application/x-ndjson',
            'Idempotency-Key' => $key });
}

$answer = lines('lines', 5, 6, 7);
is($answer->{status}, 200, 'several events in a request');
is(lines('lines', 5, 6, 7)->{json}{id}, $answer->{json}{id},
    'sent again: the id of the last event');
is(uids($s{bob}, 3), '5 6 7', 'the events are delivered once');
lines('more', 8);
is(uids($s{bob}, 1), '8', 'then the next event');
lines('pair', 11, 12);
is(uids($s{bob}, 2), '11 12', 'two events in a request: both are published');

# Redis keeps the keys, so that they survive a reload.

$answer = publish('alice', mail(10), 'key-10');
$t->reload();
is(publish('alice', mail(10), 'key-10')->{json}{id}, $answer->{json}{id},
    'sent again after a reload: the same id');
$s{alice}->close();

my $s = $t->park('alice', headers => { 'Last-Event-ID' => $event->{id} });

is(uids($s, 4), '1 2 3 10', 'the log has each event once');

# No answer: the publisher aborts the request and sends it again.

my $redis = $t->redis();

$redis->pause();

my $lost = $t->request('POST', '/publish?account=alice',
    body => $t->json(mail(11)), headers => { 'Idempotency-Key' => 'key-11',
        'Content-Type' => 'application/json' });

ok($lost->quiet(0.2), 'Redis is silent: no answer');
$lost->close();
$redis->resume();
is(publish('alice', mail(11), 'key-11')->{status}, 200, 'sent again');
is(uids($s, 1), '11', 'the event is delivered');
ok($s->quiet(0.1), 'it is delivered once');
