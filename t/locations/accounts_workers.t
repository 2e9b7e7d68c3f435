#!/usr/bin/perl

# A worker that does not answer an operator's question is named, after a
# second. Answers of workers are checked. Devices are found after they have
# moved to other workers.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Accounts;
use Pimap::Process qw(patience);

my $t = Pimap->new(workers => 2, mode => '');
my $redis = $t->redis();

my $accounts = Pimap::Accounts->new(t => $t);

$t->plan(24);
$t->run();
$t->wait_ready();

my @workers = $t->workers();
my @devices = map {
    my $n = $_;

    $t->nginx()->only($workers[$n], sub {
        my $s = $t->park('alice', query => "device=$n");
        $s->read_until(qr/: parked\n.*\n\n/);
        $s;
    });
} 0, 1;

$t->subscribed('alice', 2);
is($accounts->devices(), '0 1', 'devices of both workers');


# Workers that do not answer

kill('STOP', $workers[1]);

my $began = time();
my $got = $t->nginx()->only($workers[0], sub { $accounts->get() });

cmp_ok(time() - $began, '<', patience(2), 'a worker hangs: an answer');
is_deeply($got->{json}{workers}, { asked => 2, answered => 1 },
    '    that names it');
is($accounts->names($got), '0', '    with the devices of the others');
is($t->nginx()->only($workers[0], sub { end(1) })->{status}, 200,
    '    an end of its device is no 404');
kill('CONT', $workers[1]);
ok($devices[1]->ended(), '    it is ended when the worker goes on');
is($accounts->devices(), '0', '    late answers do no harm');

my $listener = $redis->connect();

$listener->command('SUBSCRIBE', $redis->channel('alice'));
is_deeply($accounts->get()->{json}{workers}, { asked => 2, answered => 1 },
    'another subscriber is asked, too');
question();

# What a worker may get: an answer of a version to come

my $s = $t->request('GET', '/accounts?account=alice', close => 1);
my ($channel, $request) = question();
my $zero = '0' x 16;

$redis->command('PUBLISH', "pimap:probe:$channel", "!$request $_")
    for 'x', '[]', '{"list":1}', '{"list":[1]}', '{"list":[{"id":"x"}]}',
        '{"list":[{"id":"' . 'x' x 2000 . '"}]}',
        qq({"count":4,"more":3,"new":1,"list":[{"id":"$zero-$zero",)
            . '"device":"other"}]}';

$got = { json => eval { JSON::PP->new()->utf8()->decode($s->body()) } // {} };
is_deeply($got->{json}{workers}, { asked => 2, answered => 2 },
    'answers of all');
is($accounts->names($got), 'other 0', '    in the order of their ids');
is("$got->{json}{devices}{count} " . length($got->{json}{devices}{next}),
    '5 33', '    are summed up');
is(scalar($t->log_lines(qr/ignores an invalid answer of a worker/)), 6,
    '    and invalid ones are not');
is($redis->command('PUBLISH', "pimap:probe:$channel", "!$request {}"), 1,
    'an answer that comes too late');

undef($listener);
$t->subscribed('alice', 1);

for my $bad ('!devices', '!devices ', "!devices $channel",
    "!devices $channel ", "!devices $channel $request",
    "!devices $channel $request 1",
    "!devices $channel $request 101 $zero-$zero",
    "!devices $channel $request 100 $zero-" . '0' x 15,
    "!devices X$channel $request 100 $zero-$zero",
    "!end $channel $request", "!end $channel $request ", '!end 0 0 0')
{
    my $before = $t->status()->{events}{invalid};

    $redis->publish('alice', $bad);
    $t->wait_for(sub { $t->status()->{events}{invalid} == $before + 1 },
        "\"$bad\" is invalid") or last;
}

$redis->command('PUBLISH', "pimap:probe:$channel", $_)
    for '!', '! ', "!$request", "!$request ", "!$request x", "!$request []";
ok($devices[0]->quiet(0.1), 'invalid messages end no device');
is($accounts->devices(), '0', '    and no worker');


# A client that leaves

kill('STOP', $workers[1]);
$t->nginx()->only($workers[0], sub {
    $t->open_stream("GET /accounts?account=alice HTTP/1.1\r\n"
        . "Host: localhost\r\n\r\n")->close();
});
kill('CONT', $workers[1]);
is($accounts->devices(), '0', 'the client has left: nothing happens');


# Devices that move

my ($id) = map { $_->{id} } @{ $accounts->get()->{json}{devices}{list} };

for (1 .. 3) {
    my $n = $_;

    $t->reload();
    $t->wait_for(sub { $n == (() = $t->log() =~ /handed over 1 devices/g) },
        'the hand-over');
    $t->wait_for(sub { $accounts->devices() eq '0' }, 'the device');

    my $json = $accounts->get()->{json};

    is($json->{devices}{list}[0]{id}, $id, "reload $_: the same device");
    is($json->{devices}{count}, 1, '    once');
}

ok(end(0)->{json}{ended}, 'it is ended in the worker that has it now');
ok($devices[0]->ended(), '    in good order');


# The channel and the request of the next question.

sub question {
    while (my $message = $listener->reply()) {
        return ($1, $2) if ($message->[2] // '') =~ /^!devices (\S+) (\S+) /;
    }
}


sub end {
    my ($name) = @_;

    my $s = $t->request('DELETE', "/accounts?account=alice&device=$name",
        close => 1);

    return { status => $s->status(),
        json => eval { JSON::PP->new()->utf8()->decode($s->body()) } // {} };
}
