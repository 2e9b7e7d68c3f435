#!/usr/bin/perl

# A publisher that does not know whether its request arrived sends it again:
# with an Idempotency-Key its events are published once.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2);

$t->plan(32);
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

# Without a key each one counts.

my $answer = publish('alice', mail(1));

is($answer->{status}, 200, 'published');
is_deeply([sort(keys(%{ $answer->{json} }))], ['id', 'receivers'],
    'the answer: the id and the receivers');
is($answer->{json}{receivers}, 1, 'one worker');

my $event = $s{alice}->event();

is($event->{id}, $answer->{json}{id}, 'the device gets that id');
isnt(publish('alice', mail(1))->{json}{id}, $answer->{json}{id},
    'again without a key: another one');
is(uids($s{alice}, 1), '1', 'delivered again');
is(publish('nobody', mail(1))->{json}{receivers}, 0, 'nobody is parked');
like(publish('nobody', mail(1))->{json}{id}, qr/^\d+-2$/, 'but it is logged');

# With a key.

$answer = publish('alice', mail(2), 'key-2');
is($answer->{json}{receivers}, 1, 'with a key');

for (1 .. 3) {
    my $again = publish('alice', mail(2), 'key-2');

    is($again->{status}, 200, "again, $_");
    is($again->{json}{id}, $answer->{json}{id}, "the same id, $_");
}

publish('alice', mail(3), 'key-3');
is(uids($s{alice}, 2), '2 3', 'delivered once, and the next one');
is(publish('alice', mail(99), 'key-2')->{json}{id}, $answer->{json}{id},
    'the key counts, not the event');
isnt(publish('bob', mail(2), 'key-2')->{json}{id}, $answer->{json}{id},
    'keys are the account\'s own');
is(uids($s{bob}, 1), '2', 'delivered to the other one');
is(publish('bob', '{', 'key-4')->{status}, 400, 'a bad event');
is(publish('bob', mail(4), 'key-4')->{status}, 200, 'takes no key');
is(uids($s{bob}, 1), '4', 'delivered');

# Several in one request: what was not published the first time is now.

sub lines {
    my ($key, @uids) = @_;

    return $t->post('/publish?account=bob',
        join('', map { $t->json(mail($_)) . "\n" } @uids), headers => {
            'Content-Type' => 'application/x-ndjson',
            'Idempotency-Key' => $key });
}

$answer = lines('lines', 5, 6, 7);
is($answer->{status}, 200, 'several events');
is(lines('lines', 5, 6, 7)->{json}{id}, $answer->{json}{id},
    'again: the last one\'s id');
is(uids($s{bob}, 3), '5 6 7', 'delivered once');
lines('more', 8);
is(uids($s{bob}, 1), '8', 'and the next one');

# It is Redis that knows, not the worker.

$answer = publish('alice', mail(10), 'key-10');
$t->reload();
is(publish('alice', mail(10), 'key-10')->{json}{id}, $answer->{json}{id},
    'after a reload');
$s{alice}->close();

my $s = $t->park('alice', headers => { 'Last-Event-ID' => $event->{id} });

is(uids($s, 4), '1 2 3 10', 'what is in the log');

# Without an answer: the request is given up, then sent again.

my $redis = $t->redis();

$redis->pause();

my $lost = $t->request('POST', '/publish?account=alice',
    body => $t->json(mail(11)), headers => { 'Idempotency-Key' => 'key-11',
        'Content-Type' => 'application/json' });

ok($lost->quiet(0.2), 'no answer');
$lost->close();
$redis->resume();
is(publish('alice', mail(11), 'key-11')->{status}, 200, 'again');
is(uids($s, 1), '11', 'delivered');
ok($s->quiet(0.1), 'once');
