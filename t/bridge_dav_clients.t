#!/usr/bin/perl

# Other people's clients, and many objects: vdirsyncer uploads, changes and
# deletes; each change is an event, and what a device puts is seen by it.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavSession;

use constant MANY => 2000;

my $t = Pimap->new();
$t->plan(16);

my $dav = Pimap::Dav->new(t => $t)->start();
my $local = $t->dir() . '/local';

$dav->make('/alice/book/', 'addressbook', 'Book');
$dav->make('/alice/cal/', 'calendar', 'Cal');

mkdir($_) for $local, "$local/cards", "$local/cards/book", "$local/cal",
    "$local/cal/cal";

sub storage {
    my ($name, $type, $ext) = @_;

    return <<END;
[pair $name]
a = "${name}_local"
b = "${name}_remote"
collections = ["$type"]
conflict_resolution = "a wins"
[storage ${name}_local]
type = "filesystem"
path = "$local/$name"
fileext = "$ext"
[storage ${name}_remote]
type = "@{[ $name eq 'cal' ? 'caldav' : 'carddav' ]}"
url = "@{[ $dav->url() ]}"
username = "alice"
password = "secret"
END
}

$t->write_file($t->dir() . '/vdirsyncer.conf', "[general]\nstatus_path = "
    . "\"$local/status\"\n" . storage('cards', 'book', '.vcf')
    . storage('cal', 'cal', '.ics'));

sub vdirsyncer {
    return system("VDIRSYNCER_CONFIG=" . $t->dir() . '/vdirsyncer.conf '
        . "vdirsyncer -v WARNING @_ >>$local/out 2>&1 </dev/null");
}


# One that stays: vdirsyncer does not empty a collection.

$dav->put('/alice/book/zoe.vcf', $dav->card('zoe', 'Zoe'));

my $s = Pimap::DavSession->new(t => $t, url => $dav->url(),
    max_content => 4096, answer => 100000)->start();

is($s->wait_ready(), 'polling', 'watched');
is(vdirsyncer('discover'), 0, 'vdirsyncer finds all')
    or diag($t->read_file("$local/out"));

$t->write_file("$local/cards/book/ann.vcf", $dav->card('ann', 'Ann'));
$t->write_file("$local/cal/cal/lunch.ics", $dav->event('lunch', 'Lunch'));
is(vdirsyncer('sync'), 0, 'it uploads');

my %event = map { $_->{event} => $_ } $s->event(), $s->event();
my $card = $event{ContactChange}{changed}[0];

like($card->{content}, qr/FN:Ann\b/, 'a card, with its text');
like($event{CalendarChange}{changed}[0]{content}, qr/SUMMARY:Lunch\b/,
    'an event, with its text');

$t->write_file("$local/cards/book/ann.vcf", $dav->card('ann', 'Anna'));
is(vdirsyncer('sync'), 0, 'it changes');
my $changed = $s->event('ContactChange')->{changed}[0];
is($changed->{href}, $card->{href}, 'the same card');
like($changed->{content}, qr/FN:Anna\b/, 'other text');

my $r = $s->update(update => 'dav.put', href => $card->{href},
    etag => $changed->{etag}, text => $dav->card('ann', 'Annabel'));
is($r->{status}, 'done', 'a device changes it');
is($s->event('ContactChange')->{changed}[0]{etag}, $r->{etag}, 'and is told');
vdirsyncer('sync');
like($t->read_file("$local/cards/book/ann.vcf"), qr/FN:Annabel/,
    'vdirsyncer gets it');

unlink("$local/cards/book/ann.vcf");
vdirsyncer('sync');
is_deeply($s->event('ContactChange')->{removed}, [$card->{href}],
    'it deletes');

# Many at once, by another way: Radicale's own file format.

$s->stop();
$dav->stop();
my ($dir) = glob($dav->dir() . '/collection-root/alice/book');
$t->write_file("$dir/$_.vcf", $dav->card($_, "N $_")) for 1 .. MANY;
$dav->start();
$s->start(poll_min => 20000, poll_max => 20000);

my (%seen, $events);

while (keys(%seen) < MANY) {
    my $e = $s->event('ContactChange', 100) // last;

    $events++;
    $seen{$_->{href}} = $_->{etag} for @{ $e->{changed} };
    last if !$e->{more};
}

$seen{$_} = $dav->etags('/alice/book/')->{$_} for '/alice/book/zoe.vcf';
is(scalar(keys %seen), MANY + 1, 'many');
ok($events > 2, "in events that devices can get: $events");
is_deeply(\%seen, $dav->etags('/alice/book/'), 'as they are');

my ($n, $token, %got) = (0);

do {
    $r = $s->update(update => 'dav.sync', collection => '/alice/book/',
        $token ? (syncToken => $token) : ());
    $token = $r->{syncToken};
    $got{$_->{href}} = $_->{etag} for @{ $r->{changed} };
} while ($r->{more} && ++$n < 20);

is_deeply(\%got, \%seen, 'and by pages');

$s->stop();
