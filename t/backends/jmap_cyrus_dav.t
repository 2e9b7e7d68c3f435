#!/usr/bin/perl

# JMAP clients of Cyrus also get the changes of contacts and calendars, if the
# bridge watches these.  Each user's clients get the user's own only.

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Cyrus;
use Pimap::Dav;
use Pimap::Page;

my $t = Pimap->new();
my $port = $t->port('cyrus');
my $bridge = Pimap::Bridge->new(t => $t, server => 'jmap = true;'
    . " dav = { url = \"http://127.0.0.1:$port\"; poll_min = \"300ms\";"
    . ' poll_max = "300ms"; };');
my ($page) = grep { $_->name() eq 'integrations/cyrus/README.md' }
    Pimap::Page->all($t->root());
my ($locations) = map { $_->{text} } $page->blocks('nginx', 'JMAP');

$locations =~ s{127\.0\.0\.1:8008}{127.0.0.1:$port};
$locations =~ s{/pimap/auth}{/auth};
$t->nginx()->{locations} = $bridge->auth_location() . $locations;

$t->plan(9);
$t->run();

my $cyrus = Pimap::Cyrus->new(t => $t, dav => 'cyrus',
    modules => 'jmap caldav carddav',
    imapd => "conversations: yes\n")->start()->add('alice', 'bob');
my $dav = Pimap::Dav->new(t => $t, kind => 'cyrus');

$bridge->start();

is(source('alice', '')->status(), 400, 'no types: 400');
is($t->request('GET', '/jmap/eventsource/?types=*',
    headers => { Authorization => 'Bearer none' })->status(), 401,
    'a token that is none: 401');

# The first look at an account may be one change or more.

my ($alice, $bob) = (source('alice', 'CalendarEvent,ContactCard'),
    source('bob', 'CalendarEvent,ContactCard'));

for my $s ($alice, $bob) {
    my %seen;

    @seen{split(/ /, types($s))} = ()
        while keys(%seen) < 4 && !exists($seen{none});
    is(join(' ', sort(keys(%seen))), 'AddressBook Calendar CalendarEvent '
        . 'ContactCard', 'the first look: anything may have changed');
}

is($dav->put('/dav/calendars/user/alice/Default/1.ics',
    $dav->event('1', 'Lunch')), 201, 'an event of a calendar');
is(types($alice), 'Calendar CalendarEvent', '    a StateChange');
is($dav->put('/dav/addressbooks/user/alice/Default/1.vcf',
    $dav->card('1', 'Ann')), 201, 'a contact');
is(types($alice), 'AddressBook ContactCard', '    a StateChange');
ok($bob->quiet(0.5), '    nothing for another user');

$bridge->stop();
$cyrus->stop();


# A client that wants these types

sub source {
    my ($user, $types) = @_;

    my $s = $t->request('GET', "/jmap/eventsource/?types=$types&ping=0"
        . '&closeafter=no', headers => { Authorization => 'Basic '
        . encode_base64("$user:secret", '') });

    $s->{user} = $user;
    return $s;
}


# The types of the next StateChange, of its own user

sub types {
    my ($s) = @_;

    my $event = $s->event();

    return join(' ', sort(keys(%{ $event->{json}{changed}{$s->{user}}
        // { none => 1 } })));
}
