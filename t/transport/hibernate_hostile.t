#!/usr/bin/perl

# Bytes to a hibernated connection are not trusted.  A record that is not
# authentic ends it with an alert; data that a parked device may not send ends
# it properly.  No log ever has any of its secrets.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Tls;

my $t = Pimap->new(log => 'debug', mode => 'pimap_hibernate on;');
$t->plan(38);
$t->run();

# Bytes that were changed on the way.

my %flips = ('record type' => [0, 'unexpected message'],
    'record version' => [2, 'decode error'],
    'record length' => [3, 'record overflow'],
    'a byte of the content' => [5, 'bad record mac'],
    'the last byte of the tag' => [-1, 'bad record mac']);

for my $what (sort(keys(%flips))) {
    my ($at, $alert) = @{ $flips{$what} };
    my $c = park();
    my $record = $c->seal("\n");

    substr($record, $at, 1) ^= "\x80";
    $c->raw($record);
    is($c->ending(), $alert, "$what is wrong: an alert");
    is(ended(), 'error', 'counted');
    $c->close();
}

my $c = park();
my $record = $c->seal("\n");
$c->raw($record . $record);
is($c->ending(), 'bad record mac', 'the same record once more');
is(ended(), 'error', 'counted');
$c->close();

$c = park();
$c->raw("\x15\x03\x03\x00\x02\x02\x28");
is($c->ending(), 'unexpected message', 'an alert in clear');
is(ended(), 'error', 'counted');
$c->close();

$c = park();
$c->raw("\x17\x03\x03\x00\x10" . "\0" x 16);
is($c->ending(), 'bad record mac', 'a record of nothing but zeros');
is(ended(), 'error', 'counted');
$c->close();

# Authentic data that is not allowed.

for my $what ('GET / HTTP/1.1', 'x' x 20_000) {
    $c = park();
    $c->raw($c->seal($what));
    is($c->ending(), 'close_notify', length($what) . ' bytes of data');
    is(ended(), 'error', 'counted');
    $c->close();
}

# Line ends after the request are ignored, up to a limit.

$c = park();
$c->raw($c->seal("\r\n"));
ok(delivered($c), 'a line end is ignored');
$c->raw($c->seal("\r\n"));
ok(delivered($c), 'a second line end is ignored');
$c->raw($c->seal("\n"));
is($c->ending(), 'close_notify', 'more line ends close it');
is(ended(), 'error', 'counted');
$c->close();

# Records in pieces.

$c = park();
for my $byte (split(//, $c->seal("\r\n"))) {
    $c->raw($byte);
    $t->status();
}
ok(delivered($c), 'a record byte by byte');

$record = $c->seal("\n") . $c->close_notify();
for my $part (unpack('(a7)*', $record)) {
    $c->raw($part);
    $t->status();
}
is($c->ending(), 'close_notify', 'close_notify in pieces is answered');
is(ended(), 'client', 'the client has ended it');
$c->close();

$c = park();
$c->raw(substr($c->seal("\n"), 0, 20));
$c->{socket}->close();
is(ended(), 'client', 'the client leaves in the middle of a record');

$c = park();
$c->raw($c->close_notify() . 'and more');
is($c->ending(), 'close_notify', 'close_notify with data behind it');
is(ended(), 'client', 'the client has ended it');
$c->close();

# Other devices are served.

$c = park();
ok(delivered($c), 'another device is served');
my @secrets = $c->secrets();
cmp_ok(@secrets, '>=', 5, 'secrets of a connection');
$c->close();
is(ended(), 'client', 'the client leaves without close_notify');

my $status = $t->status();
is($status->{notHibernated}, 0, 'all were hibernated');
is($status->{parked}, 0, 'all devices are gone');

my $log = $t->log() . $t->read_file($t->dir() . '/access.log');
is(scalar(grep { index(lc($log), lc($_)) >= 0
    || index($log, pack('H*', $_)) >= 0 } @secrets), 0, 'no log has a secret');
unlike($log, qr/TRAFFIC_SECRET/, 'no log has a key log');
like($log, qr/pimap ended: reason="error" .* transport="hibernated"/,
    'the log has the reasons of the ends');


sub park {
    $t->{before} = $t->status()->{ends};

    my $c = Pimap::Tls->connect($t);

    $c->raw($c->seal("GET /events?account=alice HTTP/1.1\r\n"
        . "Host: localhost\r\n\r\n"));
    $c->read_until(qr/: parked\n.*\n\n/) or die "not parked\n";
    $t->wait_for(sub { $t->status()->{devices}{hibernated} == 1 },
        'hibernation') or die;

    return $c;
}


# The reason of the last end, by the counters.

sub ended {
    my @reasons;

    $t->wait_for(sub {
        my $now = $t->status()->{ends};

        @reasons = grep { $now->{$_} > $t->{before}{$_} } keys(%$now);
    }, 'an end');

    return join(' ', @reasons);
}


sub delivered {
    my ($c) = @_;

    $t->subscribed('alice');
    $t->redis()->publish('alice', { event => 'MessageNew', uid => 1 });

    return $c->read_until(qr/event: MessageNew\n.*\n\n/);
}
