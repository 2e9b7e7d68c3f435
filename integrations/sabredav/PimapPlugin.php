<?php

/*
 * sabre/dav (Baikal, Davis): tells the bridge whose contacts or calendars have
 * changed.
 *
 *     $server->addPlugin(new PimapPlugin('http://127.0.0.1:8025'));
 */

class PimapPlugin extends Sabre\DAV\ServerPlugin
{
    private $bridge;
    private $users = [];

    public function __construct($bridge)
    {
        $this->bridge = $bridge;
    }

    public function getPluginName()
    {
        return 'pimap';
    }

    public function initialize(Sabre\DAV\Server $server)
    {
        $changed = function ($path) {
            $this->changed($path);
        };

        $events = ['afterCreateFile', 'afterWriteContent', 'afterUnbind',
            'afterBind'];

        if (method_exists($server, 'on')) {
            foreach ($events as $event) {
                $server->on($event, $changed);
            }

            $server->on('propPatch', $changed);

        } else {
            $this->initialize1($server, $events, $changed);
        }

        register_shutdown_function(function () {
            $this->tell();
        });
    }

    // sabre/dav 1, as in Debian 12, tells no path of changed properties.

    private function initialize1($server, $events, $changed)
    {
        foreach ($events as $event) {
            $server->subscribeEvent($event, $changed);
        }

        $server->subscribeEvent('beforeMethod',
            function ($method, $path) use ($changed) {
                if ($method === 'PROPPATCH') {
                    $changed($path);
                }
            });
    }

    // "calendars/USER/...", "addressbooks/USER/..."

    private function changed($path)
    {
        $parts = explode('/', trim($path, '/'));

        if (count($parts) > 2
            && in_array($parts[0], ['calendars', 'addressbooks'])) {
            $user = $parts[1] === 'users' ? $parts[2] : $parts[1];
            $this->users[$user] = true;
        }
    }

    private function tell()
    {
        if (!$this->users) {
            return;
        }

        // The client has the answer first, where PHP can do that.

        if (function_exists('fastcgi_finish_request')) {
            fastcgi_finish_request();
        }

        $context = stream_context_create(['http' => [
            'method' => 'POST', 'timeout' => 2, 'ignore_errors' => true,
            'header' => "Content-Length: 0\r\n"]]);

        foreach (array_keys($this->users) as $user) {
            @file_get_contents($this->bridge . '/poke?account='
                . rawurlencode($user), false, $context);
        }

        $this->users = [];
    }
}
