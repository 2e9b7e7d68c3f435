#!/usr/bin/perl

# Updates through workers that are killed, a Redis that is killed, and clients
# that repeat what they are not sure of: each is carried out once, and its
# result is told to the device, once, and to the client.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Consumer;

my @transports = qw(http https h2);
my $rounds = 8;                         # of one update for each transport

my $t = Pimap->new(workers => 2, allow => qr/exited on signal 9/);
$t->plan(11);

$t->redis(options => ['appendonly yes', 'appendfsync always']);
$t->run();
$t->wait_ready();

my $backend = Pimap::Consumer->new($t);
my $consumer = $backend->start('--claim', 2, '--timeout', 1);
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

is(scalar(@answers), $rounds * @transports, 'all have been answered');
is_deeply([ grep { $_->{status} ne 'done' } @answers ], [],
    '    with a result');
ok($backend->wait_done($rounds * @transports), 'nothing waits');

my @done = $backend->done();
my %done = map { $_ => 1 } @done;

is(scalar(@done), $rounds * @transports, 'each is carried out');
is(scalar(keys(%done)), scalar(@done), '    once');

# What the device gets when it comes back: the log begins anew after a restart
# of Redis, and each is in it once.

my (undef, undef, @log) = @{ $t->redis()->fcall('read', 'alice', 0, 0, 100) };
my @logged = map { decode_json($log[2 * $_ + 1])->{update} } 0 .. $#log / 2;
my $s = $t->park('alice', query => 'device=phone&last-event-id=0');
my @results = map { ($s->event() // {})->{json}{update} } @logged;

cmp_ok(scalar(@logged), '>=', @transports, 'results are in the log');
is_deeply(\@results, \@logged, '    and the device gets each');
is_deeply([sort(keys(%{{ map { $_ => 1 } @results }}))], [sort(@results)],
    '    once');
ok($s->quiet(0.2), '    and nothing else');

# A consumer that dies before the result is known.

$t->stop($consumer);
post('crash', 'http', 'crash');
$consumer = $backend->start('--claim', 1);
ok($t->wait_for(sub { !$consumer->running() }, 'death'), 'a consumer dies');
kill('KILL', $consumer->group());
$backend->start(qw(--claim 1 --tries 1 --name other));
is(repeat('crash', 'http', 'crash')->{status}, 'failed',
    '    and another one says so');


# Without waiting for the answer.

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


# As a client does that has had no result: its entry of the answer.

sub repeat {
    my ($id, $transport, $verb) = @_;

    my $answer;

    $t->wait_for(sub {
        $answer = post($id, $transport, $verb // 'done', Prefer => 'wait=5');
        $answer->{status} == 200
    }, "the result of $id", 30);

    return $answer->{json}{updates}[0] // {};
}


sub text { qq({"id":"$_[0]","update":"$_[1]"}) }
