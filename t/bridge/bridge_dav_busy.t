#!/usr/bin/perl

# A busy server says when to try again. 429 means one account, and so does 503.
# A second 503, with no good answer before it, means all accounts. What a
# collection says means the collection. Until then the bridge sends no request,
# and then goes on. An update of a device gets the time to try again.

use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;
use Pimap::FakeDav;

my $t = Pimap->new(Pimap::DavDevice->nginx());
$t->plan(30);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my $version = 1;

# Content and behaviour of the server.

sub behave {
    my (%how) = @_;
    $fake->behave({ book => { 'a.vcf' => $version }, ctag => $version, %how });
}

sub busy {
    my ($status, $after) = @_;
    return { status => $status, body => '', headers =>
        defined $after ? { 'Retry-After' => $after } : {} };
}

behave();

my $alice = Pimap::DavDevice->new(t => $t, url => $fake->url())->start();
my $bob = $alice->of('bob');
my $bridge = $alice->bridge();

ok($_->park() && $_->wait_watched(), 'watched') for $alice, $bob;

# The number of requests of both accounts since the last call.

my %before;

sub asked {
    my @asked;

    foreach my $user (qw(alice bob)) {
        my $n = $fake->noted(qr{$user: PROPFIND});

        push(@asked, $n - ($before{$user} // 0));
        $before{$user} = $n;
    }

    return @asked;
}

# Waits for requests of a user after that call.

sub seen {
    my ($user, $n) = @_;

    return $t->wait_for(sub { $fake->noted(qr{$user: PROPFIND})
        >= $before{$user} + $n }, "requests for $user");
}

sub told { (() = $bridge->log() =~ /$_[0]/g) > ($_[1] // 0) }

# 429, also after an update, which asks for a look

my %put = (update => 'dav.put', href => '/book/n.vcf',
    text => Pimap::Dav->card('n', 'N'));

behave('alice PROPFIND' => busy(429, 3));
ok($t->wait_for(sub { told(qr/"alice": DAV: .*429, again in 3 s/) }),
    '429 for alice: the log has the time to try again');
is($alice->update(%put)->{status}, 'done', '    an update is carried out');
asked();
ok(seen('bob', 4), '    the requests for bob go on');
is((asked())[0], 0, '    the bridge sends no request for alice');

$version++;
behave();
is($bob->event('ContactChange')->{changed}[0]{etag}, 2,
    '    bob gets an event at once');
is($alice->event('ContactChange')->{changed}[0]{etag}, 2,
    '    alice gets an event afterwards');

# 503 of one account

behave('alice PROPFIND' => busy(503, 3));
ok($t->wait_for(sub { told(qr/"alice": DAV: .*503, again in 3 s/) }),
    '503 for alice: the log has the time to try again');
asked();
ok(seen('bob', 4), '    the requests for bob go on');
is((asked())[0], 0, '    the bridge sends no request for alice');
behave();
ok(seen('alice', 2), '    then it does');

# 503 of all, with a date

my $end = time() + 4;

behave(PROPFIND => busy(503,
    strftime('%a, %d %b %Y %T GMT', gmtime($end))));
ok($t->wait_for(sub { told(qr/"bob": DAV: .*503, again in [34] s/)
    && told(qr/"alice": DAV: .*503, again in [34] s/, 1) }),
    '503 for both: the log has the time to try again');
asked();
behave();
ok(seen('bob', 2) && time() >= $end,        # one may be in flight
    '    the bridge sends no requests until then');

# A collection

my $book = $fake->noted(qr{PROPFIND /book/});

$version++;
$end = time() + 4;
behave('PROPFIND /book/' => busy(429, 4));
ok($t->wait_for(sub { $fake->noted(qr{PROPFIND /book/}) == $book + 2 }),
    '429 of a collection: it is asked once for each account');
asked();
ok(seen('alice', 4) && seen('bob', 4), '    the requests for the homes go on');
behave();
is($_->event('ContactChange')->{changed}[0]{etag}, 3,
    '    then the event comes') for $alice, $bob;
ok(time() >= $end && $fake->noted(qr{PROPFIND /book/}) == $book + 4,
    '    after the time that the collection has named');
like($bridge->log(), qr{"/book/" can't be synchronized: 429, .*again in 4 s},
    '    the log names it');

behave('alice PUT' => busy(503, 7));
my $result = $alice->update(%put);
is("$result->{status} $result->{retryAfter}", 'refused 7',
    '    an update is refused with the time to try again');
behave('alice PUT' => busy(429));
$result = $alice->update(%put);
is($result->{status}, 'refused', '429 without a time: an update is refused');
is($result->{retryAfter}, undef, '    without a time to try again');

$version++;
behave();
is($_->event('ContactChange')->{changed}[0]{etag}, 4,
    'the server is not busy: the event comes')
    for $alice, $bob;

# Without a time, and with an invalid time

for my $after (undef, 'soon') {
    my $lines = () = $bridge->log() =~ /again in 60 s/g;

    behave(PROPFIND => busy(429, $after));
    ok($t->wait_for(sub { told(qr/again in 60 s/, $lines + 1) }),
        'the bridge waits a minute, Retry-After: ' . ($after // 'nothing'));
    behave();

    $bridge->stop();
    $bridge->start();
    $_->park() && $_->wait_watched() for $alice, $bob;
}

is($bridge->metric('dav_rounds_total{result="held"}'), 0,
    'a restart resets the metrics');
cmp_ok($bridge->metric('dav_accounts'), '==', 2, 'both accounts are watched');
unlike($bridge->log(),
    qr/\[(?:warn|crit|alert)\]|\[error\](?!.* again in \d+ s)/,
    'no error in the log of the bridge');

$alice->stop();
$bob->{stream}->close();
