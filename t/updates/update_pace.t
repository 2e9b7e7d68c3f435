#!/usr/bin/perl

# An account that sends more requests with updates than "pimap_update_rate",
# valid or not, waits for its answers.  Other accounts do not wait.

use strict;
use warnings;

use List::Util qw(first max);
use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(http => 'pimap_update_rate 1;');

$t->nginx()->{locations} .= <<'END';
        location = /fast {
            pimap_account $arg_account;
            pimap_update_rate 200;
            pimap_update;
        }

        location = /any {
            pimap_account $arg_account;
            pimap_update_rate 0;
            pimap_update;
        }
END

my @transports = qw(http https h2);

$t->plan(3 * @transports + 9);
$t->run();
$t->wait_ready();

# One in each second, whatever the device: the last of four is answered in the
# fourth.

for my $transport (@transports) {
    my $start = time();
    my @waiting = map { send_it($transport, $transport, $_, undef, "d$_") }
        1 .. 4;
    my $other = send_it($transport, "$transport-2", 1);

    is($other->status(), 202, "$transport: another account");

    my @early = grep { !defined($_->{head}) && $_->quiet(0) } @waiting;

    cmp_ok(scalar(@early), '>=', 2, "$transport: meanwhile the first waits");
    is(join(' ', map { $_->status() } @waiting), '202 202 202 202',
        "$transport: all are answered");
    $_->close() for @waiting, $other;
}

# Nonsense counts, too.  So does a pipelined request.

my $start = time();
my $s = $t->open_stream(join('', map { request('alice', '?') } 1 .. 3));

ok($s->read_until(qr/(?:HTTP.*?){2}/s), 'nonsense: all are answered');
cmp_ok(time() - $start, '>', 0.9, 'nonsense in one connection is paced');
$s->close();

# A body without Content-Length is as long as any.

my $update = '{"id":"a","update":"x"}';
my $size = length($update);

for (["Content-Length: $size", $update], ['Transfer-Encoding: chunked',
    sprintf("%x\r\n$update\r\n0\r\n\r\n", $size)])
{
    my ($head, $body) = @$_;

    is(join(' ', flood('/fast', $head, $body, 3)), '202 202 202',
        "$head: all are answered");

    my $took = time() - $start;

    $head =~ /chunked/ ? cmp_ok($took, '>', 0.9, '    a second each')
        : cmp_ok($took, '<', 0.9, '    at once');
}

# Requests that wait ask once a second, each for a body of the longest size.
# They delay no other account.  A slow machine gets three tries.

ok(first(sub { slowest("dave$_") < 0.2 }, 1 .. 3),
    'requests that wait take no turn of another account');

$start = time();
is(join(' ', map { send_it('http', 'bob', $_, '/any')->status() } 1 .. 100),
    join(' ', (202) x 100), 'without a limit, all are accepted');
cmp_ok(time() - $start, '<', 60, '    at once');


sub send_it {
    my ($transport, $account, $id, $path, $device) = @_;

    $device //= 'd';

    return $t->request('POST', ($path // '/update')
        . "?account=$account&device=$device", transport => $transport,
        close => 1, headers => { 'Content-Type' => 'application/json' },
        body => qq({"id":"$id","update":"x"}));
}


# Seconds until the slowest answer of another account, while many wait.

sub slowest {
    my ($account) = @_;

    my $chunk = sprintf("%x\r\n$update\r\n0\r\n\r\n", $size);
    my $request = request($account, $chunk)
        =~ s/Content-Length: \d+/Transfer-Encoding: chunked/r;
    my @crowd = map { $t->open_stream($request) } 1 .. 600;
    my $end = time() + 1.5;
    my ($n, $slowest) = (0, 0);

    while (time() < $end) {
        my $start = time();
        my $s = send_it('http', 'erin', ++$n, '/any');

        $s->status();
        $slowest = max($slowest, time() - $start);
        $s->close();
    }

    $_->close() for @crowd;
    note("the slowest of $n: $slowest");

    return $slowest;
}


# The status of each of so many requests, which are sent at once.

sub flood {
    my ($path, $head, $body, $n) = @_;

    $start = time();

    my $request = "POST $path?account=carol HTTP/1.1\r\nHost: localhost\r\n"
        . "Content-Type: application/json\r\n$head\r\n\r\n$body";
    my @waiting = map { $t->open_stream($request) } 1 .. $n;
    my @status = map { $_->status() } @waiting;

    $_->close() for @waiting;

    return @status;
}


sub request {
    my ($account, $body) = @_;

    return "POST /update?account=$account&device=d HTTP/1.1\r\n"
        . "Host: localhost\r\nContent-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
}
