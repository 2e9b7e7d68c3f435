#!/usr/bin/perl

# A reload in the middle of a message of a WebSocket: the new worker reads the
# rest of it, wherever the message is cut.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Tls;
use Pimap::WebSocket;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;',
    http => 'pimap_drain 5s; pimap_gap_check 0;');

my $long = 'x' x 30_000 . "\xe2\x82\xac";
my $update = qq({"id":"one","update":"x","is":"$long"});
my $frame = frame(TEXT, $update, mask => 'abcd');
my $euro = index($update, "\x82");
my @fragments = (frame(TEXT, substr($update, 0, 20), fin => 0),
    frame(MORE, substr($update, 20, 5), fin => 0),
    frame(MORE, substr($update, 25)));

# The place of the reload, and whether the worker has bytes in its buffer then.
my %cuts = (
    'before a frame' => ['', $frame],
    'in its first byte' => [cut($frame, 1)],
    'in its length' => [cut($frame, 3)],
    'in its mask' => [cut($frame, 6)],
    'after its head' => [cut($frame, 8)],
    'in its payload' => [cut($frame, 21_003)],
    'in a character' => [cut($frame, 8 + $euro)],
    'before its last byte' => [cut($frame, length($frame) - 1)],
    'between fragments' => [$fragments[0], join('', @fragments[1, 2])],
    'in the second fragment' => [cut(join('', @fragments),
        length($fragments[0]) + 8)],
    'in a Ping between them' => [cut($fragments[0] . frame(PING, 'p')
        . join('', @fragments[1, 2]), length($fragments[0]) + 3)],
);

$t->plan(2 * 3 * keys(%cuts) + 9);
$t->run();
$t->wait_ready();

my %s;

for my $cut (sort(keys(%cuts))) {
    for my $transport (qw(http https)) {
        my $name = "$cut, $transport";
        my $w = $t->websocket($name =~ s/\W+/-/gr, transport => $transport,
            query => 'device=d');

        $w->json();
        $s{$name} = $w;
    }
}

my $tls = Pimap::Tls->connect($t);

$tls->raw($tls->seal("GET /events?account=tls HTTP/1.1\r\nHost: localhost\r\n"
    . join('', pairs(Pimap::WebSocket::headers())) . "\r\n"));
ok($tls->read_until(qr/"event":"parked".*?\}/), 'TLS records of the client');

ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == keys(%cuts) && $d->{hibernated} == keys(%cuts) + 1 },
    'detached'), 'all are detached');

for my $name (keys(%s)) {
    $s{$name}->send_all($cuts{$name =~ s/, .*//r}[0]);
}

# A half of a record, too, which is longer than the other parts.

my $record = $tls->seal(frame(TEXT, substr($update, 0, 15_000)
    . substr($update, 30_000)));

$tls->raw(substr($record, 0, 9000));

# The worker has read all when it answers a message that was sent later.

my $last = $t->websocket('last');

$last->json();
$last->send(frame(PING, 'done'));
is($last->next()->{payload}, 'done', 'the old workers have read all');

my @old = $t->workers();

$t->reload();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old workers'),
    'the old workers leave');
ok($t->wait_for(sub { $t->status()->{handover}{received} == keys(%s) + 2 }),
    'all are handed over');
is($t->status()->{connects}, keys(%s) + 2, 'no device reconnected');

$tls->raw(substr($record, 9000));
ok($tls->read_until(qr/"event":"accepted","update":"one"/),
    'a record in two halves');

for my $name (sort(keys(%s))) {
    my $w = $s{$name};

    $w->send_all($cuts{$name =~ s/, .*//r}[1]);

    my $answer = $w->json();

    $answer = $w->json() if ($answer->{payload} // '') eq 'p';
    is_deeply($answer, { event => 'accepted', update => 'one' }, $name);

    $w->send_all(frame(PING, 'again'));
    is($w->next()->{payload}, 'again', "$name: a Ping is answered");

    $w->send_all(frame(CLOSE, pack('n', 1000)));
    is($w->closing(), 1000, "$name: a Close is answered");
}

$_->close() for $last, $tls;
ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end of all'),
    'all devices are gone');

my %bodies;

for my $entry (@{ $t->redis()->command('XRANGE', 'pimap:updates', '-',
    '+') })
{
    my %fields = @{ $entry->[1] };

    $bodies{$fields{account}} = $fields{body}
        if $fields{account} ne 'tls';
}

is_deeply([scalar(keys(%bodies)), grep { index($_, $long) < 0 }
    values(%bodies)], [scalar(keys(%s))], 'every byte has arrived');


sub cut { (substr($_[0], 0, $_[1]), substr($_[0], $_[1])) }

sub pairs {
    my @lines;

    while (my ($name, $value) = splice(@_, 0, 2)) {
        push(@lines, "$name: $value\r\n");
    }

    return @lines;
}
