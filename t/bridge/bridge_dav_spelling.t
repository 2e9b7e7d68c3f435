#!/usr/bin/perl

# The href of an object is what the server calls it.  Events have the server's
# spelling, and updates are sent with it, because some servers compare bytes.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new();
$t->plan(6);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my $all = \&Pimap::FakeDav::multistatus;
my $of = \&Pimap::FakeDav::response;
my $text = "BEGIN:VCARD\nFN:A\nEND:VCARD\n";

sub listed {
    my ($ctag, $book) = @_;

    return { body => $all->($of->('/', '<D:resourcetype><D:collection/>'
        . '</D:resourcetype>'), $of->($book, '<D:resourcetype>'
        . '<D:collection/><A:addressbook/></D:resourcetype>'
        . "<S:getctag>$ctag</S:getctag>")) };
}

my @names = ('me%40x.vcf', 'a%3bb.vcf', '100%.vcf', 'tab%09x.vcf',
    'caf%E9.vcf');
my $get = { body => $all->(map { $of->("/me%40x/$_", '<D:getetag>2'
    . '</D:getetag>') } @names) };
my %put = map { ("PUT /me%40x/$_" => { status => 204, body => '', headers =>
    { ETag => '"3"' } }) } @names;

$fake->behave({ 'PROPFIND /' => listed(1, '/me%40x/'),
    'PROPFIND /me%40x/' => { body => $all->() } });

my $s = Pimap::DavSession->new(t => $t, url => $fake->url(),
    poll_min => 100, poll_max => 100, poke_min => 50)->start();
is($s->wait_ready(), 'polling', 'the bridge watches the account');

$fake->behave({ %put, 'PROPFIND /' => listed(2, '/me%40x/'),
    'PROPFIND /me%40x/' => $get, 'REPORT /me%40x/' => $get });
my @told = map { $_->{href} } @{ $s->event('ContactChange')->{changed} };
is_deeply([sort @told], [sort map { "/me%40x/$_" } @names],
    'events have the spelling of the server');
is_deeply($s->update(update => 'dav.get', hrefs => \@told)->{missing}, [],
    '    dav.get finds all');
is(join(' ', map { $s->update(update => 'dav.put', etag => '2', href => $_,
    text => $text)->{status} } @told, '/me@x/me@x.vcf'), 'done ' x 5 . 'done',
    '    dav.put, also in another spelling');
is($s->update(update => 'dav.put', href => '/me%40x/new%09.vcf',
    text => $text)->{status}, 'invalid',
    '    a control character in a new name: invalid');

# The server spells it otherwise after an update of its own.

my $now = { body => $all->(map { $of->("/me\@x/$_", '<D:getetag>2'
    . '</D:getetag>') } @names, 'new.vcf') };
$fake->behave({ 'PROPFIND /' => listed(3, '/me@x/'),
    'PROPFIND /me@x/' => $now });
my $event = $s->event();
is("$event->{event} $event->{changed}[0]{href} @{ $event->{removed} }",
    'ContactChange /me@x/new.vcf ', 'another spelling is no other object');
$s->stop();
