#!/usr/bin/perl

# A reload in the middle of a line that is sent: the new worker reads the rest
# of it, wherever the line and its chunks are cut.  HTTP/2: the client is told
# to reconnect.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;',
    http => 'pimap_drain 5s; pimap_gap_check 0;');

my $long = 'x' x 30_000 . "\xe2\x82\xac";
my $update = qq({"id":"one","update":"x","is":"$long"}\n);
my $other = qq({"id":"two","update":"x"}\n);
my $chunk = Pimap::Duplex::chunk($update);
my $two = Pimap::Duplex::chunk(substr($update, 0, 20))
    . Pimap::Duplex::chunk(substr($update, 20));

# The place of the reload.
my %cuts = (
    'before a chunk' => ['', $chunk],
    'in its size' => [cut($chunk, 2)],
    'after its size' => [cut($chunk, 5)],
    'before its data' => [cut($chunk, 6)],
    'in its data' => [cut($chunk, 21_003)],
    'before the line\'s end' => [cut($chunk, length($chunk) - 3)],
    'before the chunk\'s end' => [cut($chunk, length($chunk) - 1)],
    'between two chunks' => [cut($two, 26)],
    'in a body with a length' => [cut($update, 21_003)],
    'before an extension\'s end' => [cut($chunk =~ s/\r/;a=b\r/r, 7)],
);

$t->plan(2 * 3 * keys(%cuts) + 7);
$t->run();
$t->wait_ready();

my %d;

for my $cut (sort(keys(%cuts))) {
    for my $transport (qw(http https)) {
        my $name = "$cut, $transport";
        my $d = $t->duplex($name =~ s/\W+/-/gr, transport => $transport,
            query => 'device=d', headers => $cut !~ /a length/ ? {}
                : { 'Content-Length' => length("$update$other") });

        $d->json();
        $d{$name} = $d;
    }
}

my $h2 = $t->duplex('h2', transport => 'h2');

$h2->json();
$h2->up('{"id":"one","upd');
ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} == keys(%cuts) && $d->{hibernated} == keys(%cuts) },
    'detached'), 'all are detached');

for my $name (keys(%d)) {
    $d{$name}->send_all($cuts{$name =~ s/, .*//r}[0]);
}

# The worker has read all when it answers a line that was sent later.

my $last = $t->duplex('last');

$last->json();
$last->up("?\n");
is($last->json()->{event}, 'refused', 'the old workers have read all');

my @old = $t->workers();

$t->reload();
ok($h2->ended(), 'HTTP/2: the response ends properly');
$h2->finish();
ok($t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old workers'),
    'the old workers leave');
ok($t->wait_for(sub { $t->status()->{handover}{received} == keys(%d) + 1 }),
    'all are handed over');

for my $name (sort(keys(%d))) {
    my $d = $d{$name};

    $d->send_all($cuts{$name =~ s/, .*//r}[1]);
    is_deeply($d->json(), { event => 'accepted', update => 'one' }, $name);

    $d->send_all($name =~ /a length/ ? $other
        : Pimap::Duplex::chunk($other));
    is_deeply($d->json(), { event => 'accepted', update => 'two' },
        "$name: then an event");

    $d->finish() if $name !~ /a length/;
    $t->redis()->log($name =~ s/\W+/-/gr, { event => 'MessageNew' });
    is(($d->json() // {})->{event}, 'MessageNew',
        "$name: events up to the end");
}

$_->close() for $last, values(%d);
ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end of all'),
    'all devices are gone');

my %bodies;

for my $entry (@{ $t->redis()->command('XRANGE', 'pimap:updates', '-',
    '+') })
{
    my %fields = @{ $entry->[1] };

    $bodies{$fields{account}} = $fields{body} if $fields{id} eq 'one';
}

is_deeply([scalar(keys(%bodies)), grep { index($_, $long) < 0 }
    values(%bodies)], [scalar(keys(%d))], 'every byte has arrived');


sub cut { (substr($_[0], 0, $_[1]), substr($_[0], $_[1])) }
