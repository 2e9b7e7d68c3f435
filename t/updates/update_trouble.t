#!/usr/bin/perl

# Workers and Redis are killed, and clients repeat updates that had no answer:
# each update is executed once; its result reaches the device, once, and the
# client.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Consumer;

my @transports = qw(http https h2);
my $rounds = 8;                         # each: an update by each transport

my $t = Pimap->new(workers => 2, allow => qr/exited on signal 9/);
$t->plan(11);

# What is written survives a kill: no command has to wait for the disk.
$t->redis(options => ['appendonly yes', 'appendfsync no']);
$t->run();
$t->wait_ready();

my $backend = Pimap::Consumer->new($t);
my $consumer = $backend->start('--claim', 2);
my @answers;

for my $round (1 .. $rounds) {
    my @ids = map { "$_-$round" } @transports;
    my @requests = map { send_it($ids[$_], $transports[$_]) } 0 .. $#ids;

    # while they are under way

    kill('KILL', ($t->workers())[0]) if $round % 2;
    $t->redis()->kill() if $round % 4 == 3;

    $_->close() for @requests;

    $t->redis()->start() if $round % 4 == 3;

    push(@answers, map { repeat($ids[$_], $transports[$_]) } 0 .. $#ids);
}

is(scalar(@answers), $rounds * @transports, 'each update has an answer');
is_deeply([ grep { $_->{status} ne 'done' } @answers ], [],
    '    with a result');
ok($backend->wait_done($rounds * @transports),
    'no update is left in the stream');

my @done = $backend->done();
my %done = map { $_ => 1 } @done;

is(scalar(@done), $rounds * @transports, 'each update is executed');
is(scalar(keys(%done)), scalar(@done), '    once');

# The events of a device that comes back.  After a restart of Redis, the log
# begins anew; each result is in it once.

my (undef, undef, @log) = @{ $t->redis()->fcall('read', 'alice', 0, 0, 100) };
my @logged = map { decode_json($log[2 * $_ + 1])->{update} } 0 .. $#log / 2;
my $s = $t->park('alice', query => 'device=phone&last-event-id=earliest');
my @results = map { ($s->event() // {})->{json}{update} } @logged;

cmp_ok(scalar(@logged), '>=', @transports, 'results are in the log');
is_deeply(\@results, \@logged, '    the device gets each of them');
is_deeply([sort(keys(%{{ map { $_ => 1 } @results }}))], [sort(@results)],
    '    once');
ok($s->quiet(0.2), '    and no other event');

# A consumer is killed before the result is known.

$t->stop($consumer);
post('crash', 'http', 'crash');
$consumer = $backend->start('--claim', 1);
ok($t->wait_for(sub { !$consumer->running() }, 'death'),
    'a consumer is killed');
kill('KILL', $consumer->group());
$backend->start(qw(--claim 1 --tries 1 --name other));
is(repeat('crash', 'http', 'crash')->{status}, 'failed',
    '    another consumer reports the result');


# Posts without waiting for the answer.

sub send_it {
    my ($id, $transport) = @_;

    return $t->request('POST', '/update?account=alice&device=phone',
        transport => $transport, body => text($id, 'done'),
        headers => { 'Content-Type' => 'application/json' });
}


sub post {
    my ($id, $transport, $verb, @headers) = @_;

    return eval {
        $t->update('alice', text($id, $verb), device => 'phone',
            transport => $transport, headers => { @headers })
    } // { status => 0 };
}


# Sends an update again until it has a result; returns its entry in the answer.

sub repeat {
    my ($id, $transport, $verb) = @_;

    my $answer;

    $t->wait_for(sub {
        $answer = post($id, $transport, $verb // 'done', Prefer => 'wait=5');
        $answer->{status} == 200
    }, "the result of $id");

    return $answer->{json}{updates}[0] // {};
}


sub text { qq({"id":"$_[0]","update":"$_[1]"}) }
