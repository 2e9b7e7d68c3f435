#!/usr/bin/perl

# 2,000 contacts that appear at once reach a device unchanged, by events of
# limited size and by the pages of dav.sync.

use strict;
use warnings;

use File::Temp;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavSession;

use constant MANY => 2000;

my $t = Pimap->new();
$t->plan(5);

# Radicale calls fsync after each file.

my $fast = File::Temp->newdir(-w '/dev/shm' ? (DIR => '/dev/shm') : ());
my $dav = Pimap::Dav->new(t => $t, dir => "$fast/radicale")->start();
my $s = Pimap::DavSession->new(t => $t, url => $dav->url(),
    max_content => 4096, answer => 100000);

$dav->make('/alice/book/', 'addressbook', 'Book');
$dav->put('/alice/book/zoe.vcf', $dav->card('zoe', 'Zoe'));
is($s->start()->wait_ready(), 'polling', 'the bridge watches the account');

# Bypasses HTTP: writes the file format of Radicale.

$s->stop();
$dav->stop();
my ($dir) = glob($dav->dir() . '/collection-root/alice/book');
$t->write_file("$dir/$_.vcf", $dav->card($_, "N $_")) for 1 .. MANY;
$dav->start();

my $truth = $dav->etags('/alice/book/');

is(scalar(keys(%$truth)), MANY + 1, 'the server has all contacts');

my %seen = map { $_ => $truth->{$_} } '/alice/book/zoe.vcf';
my $events = 0;

$s->start(poll_min => 20000, poll_max => 20000);

while (my $e = $s->event('ContactChange', 100)) {
    $events++;
    $seen{$_->{href}} = $_->{etag} for @{ $e->{changed} };
    last if !$e->{more};
}

is_deeply(\%seen, $truth, 'the events have all contacts');
ok($events > 2, "    in several events: $events");

my (%got, $r);
my $pages = 0;

do {
    $r = $s->update(update => 'dav.sync', collection => '/alice/book/',
        $r ? (syncToken => $r->{syncToken}) : ());
    $got{$_->{href}} = $_->{etag} for @{ $r->{changed} // [] };
} while ($r->{more} && ++$pages < 20);

is_deeply(\%got, $truth, 'the pages of dav.sync have all contacts');

$s->stop();
